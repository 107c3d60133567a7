"""Cultures that write in Chinese, Japanese, Cyrillic, Arabic and Greek."""

from __future__ import annotations

from crm.demo.names.culture import Culture, phrases, words

CHINA = Culture(
    code="cn",
    country="China",
    weight=8,
    given=words(
        "伟/wei 芳/fang 娜/na 秀英/xiuying 敏/min 静/jing 丽/li 强/qiang 磊/lei 洋/yang 艳/yan 勇/yong 军/jun "
        "杰/jie 娟/juan 涛/tao 明/ming 超/chao 霞/xia 平/ping 子涵/zihan 雨桐/yutong 浩然/haoran 欣怡/xinyi"
    ),
    family=words(
        "王/wang 李/li 张/zhang 刘/liu 陈/chen 杨/yang 黄/huang 赵/zhao 吴/wu 周/zhou 徐/xu 孙/sun 马/ma 朱/zhu "
        "胡/hu 郭/guo 林/lin 何/he 高/gao 欧阳/ouyang"
    ),
    firm=words(
        "北方/beifang 东海/donghai 长江/changjiang 华夏/huaxia 天成/tiancheng 金桥/jinqiao 新元/xinyuan "
        "云山/yunshan 大同/datong 青松/qingsong 恒远/hengyuan 星河/xinghe"
    ),
    trade=words(
        "科技/keji 电子/dianzi 物流/wuliu 食品/shipin 机械/jixie 软件/ruanjian 能源/nengyuan 医药/yiyao "
        "纺织/fangzhi 传媒/chuanmei"
    ),
    legal=("有限公司/co", "股份有限公司/gufen", "集团/jituan"),
    cities=phrases("北京, 上海, 广州, 深圳, 成都, 杭州, 武汉, 西安, 南京"),
    titles=phrases(
        "总经理, 销售总监, 采购经理, 市场经理, 软件工程师, 财务总监, 客户经理, 运营主管, 技术总监, 行政助理"
    ),
    phones=words("+8610628##### +8621528##### +8620388##### +86138######## +86139########"),
    joint="",
)

JAPAN = Culture(
    code="jp",
    country="Japan",
    weight=5,
    given=words(
        "翔太/shota 美咲/misaki 健一/kenichi さくら/sakura 大輔/daisuke 陽子/yoko 拓海/takumi 結衣/yui "
        "直樹/naoki 葵/aoi 誠/makoto ゆかり/yukari ケン/ken エミ/emi"
    ),
    family=words(
        "佐藤/sato 鈴木/suzuki 高橋/takahashi 田中/tanaka 伊藤/ito 渡辺/watanabe 山本/yamamoto 中村/nakamura "
        "小林/kobayashi 加藤/kato 吉田/yoshida 山田/yamada 佐々木/sasaki 松本/matsumoto"
    ),
    firm=words(
        "富士見/fujimi 青葉/aoba 桜井/sakurai 東雲/shinonome 若葉/wakaba みなと/minato 北斗/hokuto 大和/yamato "
        "白鳥/hakucho 光/hikari"
    ),
    trade=words(
        "製作所/seisakusho 電機/denki 商事/shoji 食品/shokuhin システム/system 物流/butsuryu 薬品/yakuhin 印刷/insatsu"
    ),
    legal=("株式会社/kk", "合同会社/gk"),
    cities=phrases("東京, 大阪, 京都, 名古屋, 福岡, 札幌, 横浜, 神戸"),
    titles=phrases(
        "代表取締役, 営業部長, 購買担当, マーケティング課長, システムエンジニア, 経理部長, 総務担当, "
        "プロジェクトマネージャー"
    ),
    phones=words("+813355##### +81663###### +81752###### +818012######"),
    joint="",
)

KAZAKHSTAN = Culture(
    code="kz",
    country="Kazakhstan",
    weight=3,
    given=words(
        "Алия/aliya Дмитрий/dmitry Ольга/olga Нурлан/nurlan Сергей/sergey Анна/anna Ёлка/yolka Тимур/timur "
        "Айгуль/aigul Мария/maria Ерлан/yerlan Наталья/natalya"
    ),
    family=words(
        "Ахметов/akhmetov Соколова/sokolova Ким/kim Сулейменов/suleimenov Королёв/korolyov Щукина/shchukina "
        "Жумабаев/zhumabayev Попов/popov Юрьева/yuryeva Орлов/orlov"
    ),
    firm=words(
        "Степь/step Алатау/alatau Беркут/berkut Восток/vostok Заря/zarya Орион/orion Тулпар/tulpar Каспий/kaspiy "
        "Рассвет/rassvet Маяк/mayak"
    ),
    trade=words("Техно/tekhno Строй/stroy Снаб/snab Агро/agro Логистик/logistik Софт/soft Энерго/energo Фарм/farm"),
    legal=("ТОО/too", "АО/ao"),
    cities=phrases("Алматы, Астана, Шымкент, Караганда, Актобе, Павлодар"),
    titles=phrases(
        "Генеральный директор, Менеджер по продажам, Начальник отдела закупок, Инженер, Бухгалтер, Маркетолог"
    ),
    phones=words("+772725##### +7701####### +771725#####"),
)

EGYPT = Culture(
    code="eg",
    country="Egypt",
    weight=4,
    given=words(
        "محمد/mohamed فاطمة/fatma أحمد/ahmed مريم/mariam يوسف/youssef نور/nour خالد/khaled ليلى/layla عمر/omar "
        "سارة/sara طارق/tarek هدى/hoda"
    ),
    family=words(
        "حسن/hassan إبراهيم/ibrahim السيد/elsayed محمود/mahmoud منصور/mansour فوزي/fawzy سليمان/soliman "
        "حداد/haddad نصر/nasr شريف/sherif"
    ),
    firm=words(
        "النيل/elnil الأهرام/elahram الواحة/elwaha الشرق/elsharq الفجر/elfagr النور/elnour السلام/elsalam البحر/elbahr"
    ),
    trade=words(
        "للتجارة/trade للبرمجيات/software للنقل/transport للأغذية/foods للطاقة/energy للنسيج/textile للأدوية/pharma"
    ),
    legal=("ش.م.م/sae", "ذ.م.م/llc"),
    cities=phrases("القاهرة, الإسكندرية, الجيزة, أسوان, الأقصر, المنصورة"),
    titles=phrases("المدير العام, مدير المبيعات, مسؤول المشتريات, مهندس نظم, محاسب, مدير التسويق"),
    phones=words("+20227###### +20348##### +20100#######"),
)

GREECE = Culture(
    code="gr",
    country="Greece",
    weight=3,
    given=words(
        "Γιώργος/giorgos Μαρία/maria Νίκος/nikos Ελένη/eleni Κώστας/kostas Σοφία/sofia Ανδρέας/andreas "
        "Δήμητρα/dimitra Θανάσης/thanasis Ίρις/iris"
    ),
    family=words(
        "Παπαδόπουλος/papadopoulos Νικολάου/nikolaou Γεωργίου/georgiou Οικονόμου/oikonomou Βλάχος/vlachos "
        "Καραγιάννης/karagiannis Σταύρου/stavrou Μάρκου/markou Αγγέλου/angelou"
    ),
    firm=words(
        "Αιγαίο/aigaio Όλυμπος/olympos Ήλιος/ilios Φάρος/faros Αθηνά/athina Δελφοί/delfoi Κύμα/kyma Πήγασος/pigasos"
    ),
    trade=words(
        "Ναυτιλιακή/naftiliaki Τρόφιμα/trofima Λογισμικό/logismiko Ενεργειακή/energeiaki Κλωστική/klostiki "
        "Μεταφορές/metafores"
    ),
    legal=("Α.Ε./ae", "Ε.Π.Ε./epe"),
    cities=phrases("Αθήνα, Θεσσαλονίκη, Πάτρα, Ηράκλειο, Βόλος, Ιωάννινα"),
    titles=phrases(
        "Διευθύνων Σύμβουλος, Διευθυντής Πωλήσεων, Υπεύθυνη Αγορών, Μηχανικός, Λογιστής, Υπεύθυνος Μάρκετινγκ"
    ),
    phones=words("+30210####### +302310###### +302610######"),
)
