"""Entry point of the gallery: `python app.py`. Hugging Face Spaces starts it the same way."""

from demos.gallery import build_gallery, launch
from demos.services import load_ahead, make_services
from demos.settings import read_settings


def main() -> None:
    """Reads the settings, builds the page, serves it until Ctrl+C."""
    settings = read_settings()
    services = make_services(settings)
    try:
        load_ahead(services.registry)
        launch(build_gallery(services), settings)
    finally:
        services.registry.close()


if __name__ == "__main__":
    main()
