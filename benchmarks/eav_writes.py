def run(rig, rounds, seed):
    return 0
