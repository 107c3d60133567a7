"""Cultures that write in Latin letters, among them those whose letters fold oddly (ß, İ, ı)."""

from __future__ import annotations

from crm.demo.names.culture import Culture, phrases, words

ENGLISH_TITLES = phrases(
    "Chief Executive, Head of Sales, Sales Director, Account Executive, Marketing Lead, Buyer, "
    "Head of Purchasing, IT Director, Systems Engineer, Operations Lead, Finance Director, Controller, "
    "Office Administrator, Consultant"
)

UNITED_STATES = Culture(
    code="us",
    country="United States",
    weight=8,
    given=words(
        "James Olivia Robert Emma Michael Ava William Sophia David Mia Daniel Harper Joseph Ella Thomas Grace "
        "Samuel Chloe Henry Nora Jack Hazel Owen Ruth"
    ),
    family=words(
        "Smith Johnson Brown Miller Davis Wilson Anderson Taylor Moore Jackson Martin Lee Thompson White Harris "
        "Clark Lewis Walker Hall Young O'Brien O'Neill Reed Brooks"
    ),
    firm=words(
        "Northgate Bluestone Redwood Summit Harbor Silverline Ironbridge Lakeside Pioneer Cedar Beacon Granite "
        "Falcon Meridian Prairie Copper"
    ),
    trade=words("Systems Logistics Foods Analytics Robotics Health Energy Media Supply Labs Textiles Dynamics"),
    legal=words("Inc. LLC Corp."),
    cities=phrases("New York, Chicago, Houston, Seattle, Denver, Boston, San Francisco, Atlanta, Portland"),
    titles=ENGLISH_TITLES,
    phones=words("+121255501## +131255501## +120655501## +171355501## +161755501##"),
)

UNITED_KINGDOM = Culture(
    code="gb",
    country="United Kingdom",
    weight=4,
    given=words("Oliver Amelia George Isla Harry Freya Arthur Poppy Alfie Florence Rhys Siân Callum Niamh"),
    family=words("Jones Williams Evans Roberts Hughes Edwards Turner Hill Cooper Ward MacLeod Fraser Whitfield Pryce"),
    firm=words("Kingsway Thornbury Albion Fairfax Westbrook Penrose Hartfield Oakham Severn Ashdown Lindley Marlow"),
    trade=words("Engineering Instruments Publishing Holdings Shipping Optics Foods Software Ceramics Partners"),
    legal=words("Ltd plc LLP"),
    cities=phrases("London, Manchester, Leeds, Bristol, Edinburgh, Cardiff, Belfast, York"),
    titles=ENGLISH_TITLES,
    phones=words("+442079460### +441614960### +441134960### +441174960###"),
)

GERMANY = Culture(
    code="de",
    country="Germany",
    weight=6,
    given=words("Jürgen Käthe Björn Günther Anneliese Lukas Leonie Felix Hanna Jörg Sören Käte Ulrike Matthias"),
    family=words(
        "Müller Weiß Strauß Groß Schäfer Köhler Jäger Größner Böhm Voß Schröder Krüger Heß Lang Preuß Hoffmann"
    ),
    firm=words(
        "Nordlicht Weißbach Rheintal Großmann Süßwasser Königsberg Eifel Schloß Hanse Spree Bergstraße Lüneburg"
    ),
    trade=words("Maschinenbau Systeme Werkzeuge Handel Technik Optik Verpackung Getränke Logistik Software"),
    legal=words("GmbH AG KG"),
    cities=phrases("Berlin, München, Köln, Düsseldorf, Nürnberg, Hamburg, Gießen, Saarbrücken"),
    titles=phrases(
        "Geschäftsführerin, Geschäftsführer, Leiter Einkauf, Leiterin Vertrieb, Vertriebsleiter, "
        "Systemingenieurin, Buchhalter, Projektleiterin, Account Executive, Straßenbauingenieur"
    ),
    phones=words("+493023125### +494066969### +498999998### +4922147108##"),
)

FRANCE = Culture(
    code="fr",
    country="France",
    weight=4,
    given=words("Chloé Loïc Zoé Rémi Éloïse Noël Aurélie Gaëtan Océane Théo Hélène Jérôme Inès François"),
    family=words(
        "Lefèvre Bérard Côté Garçon Benoît Mercier Dubois Lœuillet Châtelain Moreau Fournier Gérard Roche Petit"
    ),
    firm=words("Lumière Azur Bocage Étoile Garrigue Océan Mistral Cévennes Forêt Rivière Sologne Aubépine"),
    trade=words("Conseil Mécanique Énergie Textile Édition Santé Transport Logiciels Vins Emballage"),
    legal=words("SARL SAS SA"),
    cities=phrases("Paris, Lyon, Marseille, Orléans, Nîmes, Besançon, Saint-Étienne, Toulouse"),
    titles=phrases(
        "Directrice générale, Directeur commercial, Responsable des achats, Chargée de clientèle, "
        "Ingénieur système, Comptable, Chef de projet, Responsable marketing"
    ),
    phones=words("+33142###### +33478###### +33491###### +33561######"),
)

SPAIN = Culture(
    code="es",
    country="Spain",
    weight=3,
    given=words("Begoña Iñigo Lucía Martín Sofía Andrés Inés Jesús Nuria Álvaro Rocío Óscar"),
    family=words("Muñoz Ibáñez Núñez García Peña Ordóñez Jiménez Castaño Fernández Vázquez Cañas Ríos"),
    firm=words("Olivar Sierra Levante Montaña Río Castilla Almendro Ebro Cantábrico Girasol"),
    trade=words("Alimentos Ingeniería Sistemas Transportes Cerámica Energías Diseño Seguros"),
    legal=words("S.L. S.A."),
    cities=phrases("Madrid, Barcelona, Málaga, A Coruña, Cádiz, Logroño, Bilbao"),
    titles=phrases(
        "Directora general, Jefe de compras, Jefa de ventas, Ingeniero de sistemas, Contable, Asesora comercial"
    ),
    phones=words("+34910###### +34930###### +34952######"),
)

TURKEY = Culture(
    code="tr",
    country="Türkiye",
    weight=4,
    given=words("İbrahim Işıl İrem Ömer Çağla Gülşen Şükrü Tuğba Yiğit Özlem İlker Ayşe Kaan Irmak"),
    family=words("Yılmaz Işık Öztürk Çelik Şahin Kılıç Aydın İnce Güneş Doğan Yıldırım Koç Ilgaz Arslan"),
    firm=words("Ilgaz İnci Işıltı Boğaziçi Şimşek Çınar Güneş Yıldız Kızılırmak Ege İpek Anadolu"),
    trade=words("Tekstil Lojistik Gıda Yazılım Makine İnşaat Enerji Sağlık Mobilya Ambalaj"),
    legal=phrases("A.Ş., Ltd. Şti."),
    cities=phrases("İstanbul, Ankara, İzmir, Diyarbakır, Eskişehir, Muğla, Iğdır, Şanlıurfa"),
    titles=phrases(
        "Genel Müdür, Satış Müdürü, Satın Alma Uzmanı, Yazılım Mühendisi, Muhasebe Müdürü, Pazarlama Müdürü"
    ),
    phones=words("+90212####### +90312####### +90232#######"),
)

BRAZIL = Culture(
    code="br",
    country="Brazil",
    weight=4,
    given=words("João Antônia Luís Conceição Caio Vitória Gonçalo Estêvão Letícia Thaís Mateus Débora"),
    family=words("Araújo Gonçalves Magalhães Simões Corrêa Brandão Assunção Lourenço Guimarães Peçanha Silva Souza"),
    firm=words("Ipê Araucária Sertão Capivara Jequitibá Açaí Pantanal Maré Tucano Serra"),
    trade=words("Alimentos Tecnologia Transportes Cosméticos Máquinas Energia Sementes Calçados"),
    legal=words("Ltda. S.A. ME"),
    cities=phrases("São Paulo, Rio de Janeiro, Brasília, Goiânia, Florianópolis, Belém, Maceió"),
    titles=phrases(
        "Diretora comercial, Gerente de compras, Analista de sistemas, Contador, Coordenadora de marketing, Sócia"
    ),
    phones=words("+551129###### +552125###### +5511988######"),
)
