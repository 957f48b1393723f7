"""The least that Django needs to make the tables of django-oscar, a shop that nobody here wrote, in SQLite."""

from oscar.defaults import *  # noqa: F401,F403

SECRET_KEY = "of a database that is thrown away"
USE_TZ = True
SITE_ID = 1
ROOT_URLCONF = "oscar_settings"
urlpatterns = []
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "oscar.db", "ATOMIC_REQUESTS": True}}
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
DASHBOARD = "reports users orders catalogue offers partners pages ranges reviews vouchers communications shipping"
SHOP = "analytics checkout address shipping catalogue communication partner basket payment offer order customer search"
INSTALLED_APPS = [
    *(f"django.contrib.{name}" for name in "admin auth contenttypes sessions messages staticfiles sites flatpages".split()),
    "oscar.config.Shop",
    *(f"oscar.apps.{name}.apps.{name.title()}Config" for name in SHOP.split()),
    "oscar.apps.catalogue.reviews.apps.CatalogueReviewsConfig",
    "oscar.apps.voucher.apps.VoucherConfig",
    "oscar.apps.wishlists.apps.WishlistsConfig",
    "oscar.apps.dashboard.apps.DashboardConfig",
    *(f"oscar.apps.dashboard.{name}.apps.{name.title()}DashboardConfig" for name in DASHBOARD.split()),
    "widget_tweaks",
    "haystack",
    "treebeard",
    "django_tables2",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
