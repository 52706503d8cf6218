//! Vocabularies of the slots.

pub(crate) const REGIONS: [&str; 4] = ["eu-1", "eu-2", "us-1", "ap-1"];
pub(crate) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
pub(crate) const UNITS: [&str; 4] = ["KB", "MB", "MB", "GB"];
pub(crate) const TABLES: [&str; 12] = [
    "orders",
    "order_lines",
    "customers",
    "carts",
    "stock",
    "payments",
    "refunds",
    "invoices",
    "sessions",
    "audit_log",
    "price_rules",
    "outbox",
];
pub(crate) const TOPICS: [&str; 9] =
    ["orders", "payments", "stock-changes", "price-changes", "clicks", "mails", "shipments", "audit", "products"];
pub(crate) const CITIES: [&str; 14] = [
    "Berlin",
    "Hamburg",
    "Wien",
    "Amsterdam",
    "Utrecht",
    "Gdansk",
    "Lyon",
    "Paris",
    "Dublin",
    "Bruges",
    "Basel",
    "Graz",
    "Leipzig",
    "Eindhoven",
];
pub(crate) const AGENTS: [&str; 7] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) Safari/604.1",
    "okhttp/4.12.0",
    "ShopApp/8.4.1 (Android 15)",
    "curl/8.14.1",
    "Googlebot/2.1",
];
pub(crate) const NAMES: [&str; 16] = [
    "anna", "ben", "clara", "david", "emma", "finn", "greta", "hugo", "ida", "jan", "klara", "leo", "mia", "noah",
    "olga", "paul",
];
pub(crate) const DOMAINS: [&str; 8] = [
    "mail.example",
    "post.example",
    "inbox.example",
    "acme.example",
    "globex.example",
    "initech.example",
    "umbrella.example",
    "uni.example",
];
pub(crate) const SUBDOMAINS: [&str; 7] = ["www", "api", "mx", "cdn", "static", "login", "img"];
pub(crate) const DEPLOYED: [&str; 10] =
    ["cart", "checkout", "auth", "catalog", "search", "payments", "inventory", "mobile-api", "orders", "indexer"];
pub(crate) const CLASS_HEADS: [&str; 9] =
    ["Order", "Payment", "Cart", "Invoice", "Stock", "Session", "Price", "Voucher", "Address"];
pub(crate) const CLASS_TAILS: [&str; 6] =
    ["Service", "ControllerTest", "Repository", "Mapper", "ClientTest", "Listener"];
pub(crate) const FILE_STEMS: [&str; 8] =
    ["banner", "product", "invoice", "export", "report", "thumbnail", "statement", "logo"];
pub(crate) const FILE_ENDS: [&str; 6] = ["jpg", "png", "webp", "pdf", "csv", "java"];
pub(crate) const SEARCHED: [&str; 20] = [
    "sneaker", "jacket", "lamp", "desk", "chair", "kettle", "tent", "backpack", "bicycle", "helmet", "mug", "poster",
    "blanket", "pillow", "guitar", "drill", "hammer", "plant", "vase", "mirror",
];
pub(crate) const PATHS: [&str; 14] = [
    "/api/products",
    "/api/cart",
    "/api/orders",
    "/api/users",
    "/api/search",
    "/api/checkout",
    "/api/stock",
    "/api/reviews",
    "/v2/sessions",
    "/v2/wishlists",
    "/v2/vouchers",
    "/api/addresses",
    "/api/recommendations",
    "/health",
];
