"""What all services stand on: kernel, eav, bus, contracts and the service kit."""
