"""Options about models that the terminal's commands share."""

import argparse

from hugginggpt.agent.model_preferences import ModelPreferences, parse_task_and_model
from hugginggpt.core.settings import Settings


def add_preference_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which models, and where."""
    models = parser.add_argument_group("models")
    models.add_argument("--pin", action="append", default=[], metavar="TASK=MODEL", help="take that model, or endpoint's URL")
    models.add_argument(
        "--add", action="append", default=[], metavar="TASK=MODEL", help="offer that model of the Hub, or URL, too"
    )
    models.add_argument("--ban", action="append", default=[], metavar="MODEL", help="never take that model")
    models.add_argument(
        "--token-to",
        action="append",
        default=[],
        metavar="URL",
        help="send your Hugging Face token to that endpoint, though it is not listed as your account's",
    )
    models.add_argument("--where", choices=("anywhere", "here", "hosted"), default="anywhere", help="where models may run")
    models.add_argument("--provider", default="", metavar="NAME", help="the only inference provider to use, such as fal-ai")
    models.add_argument("--bill-to", default="", metavar="NAME", help="the organization on the Hub that pays for hosted models")


def read_preferences(args: argparse.Namespace, settings: Settings) -> ModelPreferences:
    """Parse the options into preferences; the settings say who pays where no option does.

    Raises:
        RequestError: One can't be understood.
    """
    preferences = ModelPreferences(placement=args.where).restrict_to_provider(args.provider)
    preferences = preferences.charge(args.bill_to or settings.bill_to)
    for text in args.add:
        preferences = preferences.add(*parse_task_and_model(text))
    for text in args.ban:
        preferences = preferences.ban(text)
    for text in args.pin:
        preferences = preferences.pin(*parse_task_and_model(text))
    return preferences.trust(args.token_to)
