"""Option lists that contacts and companies share, and the ones too long to stand beside an attribute. Data only."""

from __future__ import annotations

from shared.service.schema import choices

LIFECYCLE_STAGES = choices(
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing qualified lead"),
    ("salesqualifiedlead", "Sales qualified lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
    ("other", "Other"),
)

LEAD_STATUSES = choices(
    ("NEW", "New"),
    ("OPEN", "Open"),
    ("IN_PROGRESS", "In progress"),
    ("OPEN_DEAL", "Open deal"),
    ("UNQUALIFIED", "Unqualified"),
    ("ATTEMPTED_TO_CONTACT", "Attempted to contact"),
    ("CONNECTED", "Connected"),
    ("BAD_TIMING", "Bad timing"),
)

MARKETING_STATUSES = choices(("true", "May receive marketing"), ("false", "No marketing"))

TRAFFIC_SOURCES = choices(
    ("ORGANIC_SEARCH", "Organic search"),
    ("PAID_SEARCH", "Paid search"),
    ("EMAIL_MARKETING", "E-mail marketing"),
    ("SOCIAL_MEDIA", "Social media"),
    ("PAID_SOCIAL", "Paid social media"),
    ("REFERRALS", "Referrals"),
    ("OTHER_CAMPAIGNS", "Other campaigns"),
    ("DIRECT_TRAFFIC", "Direct visit"),
    ("OFFLINE", "Offline"),
)

COMPANY_TYPES = choices(
    ("PROSPECT", "Prospect"),
    ("PARTNER", "Partner"),
    ("RESELLER", "Reseller"),
    ("VENDOR", "Vendor"),
    ("OTHER", "Other"),
)

INDUSTRIES = choices(
    ("ACCOUNTING", "Accounting"),
    ("AGRICULTURE", "Agriculture and fishing"),
    ("AEROSPACE", "Aerospace and aviation"),
    ("APPAREL_FASHION", "Apparel and fashion"),
    ("ARCHITECTURE_PLANNING", "Architecture and planning"),
    ("ARTS_CRAFTS", "Arts and crafts"),
    ("AUTOMOTIVE", "Automotive"),
    ("BANKING", "Banking"),
    ("BIOTECHNOLOGY", "Biotechnology"),
    ("CHEMICALS", "Chemicals"),
    ("COMPUTER_HARDWARE", "Computer hardware"),
    ("COMPUTER_SOFTWARE", "Computer software"),
    ("CONSTRUCTION", "Construction"),
    ("CONSULTING", "Consulting"),
    ("CONSUMER_ELECTRONICS", "Consumer electronics"),
    ("CONSUMER_GOODS", "Consumer goods"),
    ("DEFENSE", "Defence"),
    ("EDUCATION", "Education and training"),
    ("ENERGY", "Energy"),
    ("ENTERTAINMENT", "Entertainment"),
    ("ENVIRONMENTAL_SERVICES", "Environmental services"),
    ("FINANCIAL_SERVICES", "Financial services"),
    ("FOOD_BEVERAGES", "Food and beverages"),
    ("GOVERNMENT", "Government"),
    ("HEALTH_CARE", "Health care"),
    ("HOSPITALITY", "Hospitality"),
    ("HUMAN_RESOURCES", "Human resources"),
    ("INFORMATION_TECHNOLOGY", "Information technology and services"),
    ("INSURANCE", "Insurance"),
    ("INTERNET", "Internet"),
    ("LEGAL_SERVICES", "Legal services"),
    ("LOGISTICS", "Logistics and supply chain"),
    ("MACHINERY", "Machinery"),
    ("MANUFACTURING", "Manufacturing"),
    ("MARKETING_ADVERTISING", "Marketing and advertising"),
    ("MEDIA", "Media and publishing"),
    ("MEDICAL_DEVICES", "Medical devices"),
    ("MINING_METALS", "Mining and metals"),
    ("NONPROFIT", "Non-profit organisation"),
    ("PHARMACEUTICALS", "Pharmaceuticals"),
    ("REAL_ESTATE", "Real estate"),
    ("RECREATION_SPORTS", "Recreation and sports"),
    ("RESEARCH", "Research"),
    ("RETAIL", "Retail"),
    ("SECURITY", "Security"),
    ("TELECOMMUNICATIONS", "Telecommunications"),
    ("TEXTILES", "Textiles"),
    ("TRANSPORTATION", "Transportation"),
    ("TRAVEL_TOURISM", "Travel and tourism"),
    ("UTILITIES", "Utilities"),
    ("WHOLESALE", "Wholesale"),
    ("OTHER", "Other"),
)
