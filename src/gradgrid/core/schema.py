"""The JSON schema of config.yaml for editors: completion, descriptions and checks while typing.

``config.schema.json`` beside config.yaml is generated from here; a test holds it.
"""

import json

from gradgrid.core.config import Config


def json_schema() -> dict:
    """The schema, generated from the configuration's classes and the registries."""
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return draft | Config.model_json_schema()


def schema_text() -> str:
    """The schema as config.schema.json holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
