"""The errors around a training run; ``common.errors`` has them all."""

from __future__ import annotations

from common.error_base import DemystifyError


class UnusableCorpus(DemystifyError):
    """A text that nothing can be trained on. ``reason`` is a Phrase."""

    key = "unusable_corpus"
    sentence = "This text cannot be used for training ({reason}): choose or paste another one."


class ImpossibleShape(DemystifyError):
    """Heads that cannot share the width. ``reason`` is a Phrase."""

    key = "impossible_shape"
    sentence = (
        "A model with {heads} heads cannot be built like this ({reason}): change the number of heads or the width."
    )


class MissingColumn(DemystifyError):
    """A table without the column that is needed."""

    key = "missing_column"
    sentence = "“{name}” has no column “{wanted}”, only {found}: name the column with the text so."


class DatasetUnavailable(DemystifyError):
    """A data set of the hub that cannot be fetched. ``reason`` is a Phrase."""

    key = "dataset_unavailable"
    sentence = (
        "The data set {name} cannot be read ({reason}): check its name and the connection, or train on a sample or a "
        "file."
    )


class NoDataset(DemystifyError):
    """A data set of the hub is chosen as the text, and none has been fetched."""

    key = "no_dataset"
    sentence = "No data set has been fetched yet: write its id under “Use a data set of the hub”, and fetch it."


class NoTextColumn(DemystifyError):
    """A data set without the column that is needed; ``found`` are those with text."""

    key = "no_text_column"
    sentence = "The data set {name} has no column “{wanted}” with text. Columns with text: {found}. Name one of them."


class Diverged(DemystifyError):
    """The loss is no number any more, or higher than at the beginning."""

    key = "diverged"
    sentence = (
        "The training was stopped, since the loss rose instead of falling: a learning rate of {rate} is "
        "too high here. Try a third of it."
    )


class DiskFull(DemystifyError):
    """No room left on the disk."""

    key = "disk_full"
    sentence = "The disk is full: delete runs that are no longer needed, then go on with this one."


class TrainingTooLarge(DemystifyError):
    """More memory than there is, before or in the middle of a run; ``batch``, ``context`` and ``layers`` would fit."""

    key = "training_too_large"
    sentence = (
        "The training needs more memory than there is: a batch of {batch} with a context of {context} and {layers} "
        "layers is likely to fit."
    )


class FinetuneTooLarge(DemystifyError):
    """More memory than there is for training a model further; ``batch`` and ``row`` (tokens) need half of it."""

    key = "finetune_too_large"
    sentence = (
        "The training needs more memory than there is: {batch} rows of {row} tokens in a step are likely to fit, "
        "or LoRA instead of all weights."
    )


class StyleTooLarge(DemystifyError):
    """More memory than there is for teaching a diffusion model a style; ``batch`` pictures a step may fit."""

    key = "style_too_large"
    sentence = (
        "Teaching this model a style needs more memory than there is: a smaller model, or a batch of {batch}, may fit."
    )


class NumberOfPictures(DemystifyError):
    """Too few or too many pictures to learn a style from."""

    key = "number_of_pictures"
    sentence = "A style is learned from {fewest} to {most} pictures, and these are {count}: choose again."


class NumberOfCaptions(DemystifyError):
    """Not one line of text for each picture."""

    key = "number_of_captions"
    sentence = "There are {pictures} pictures and {captions} lines of text: write one line for each picture."


class WrongColumns(DemystifyError):
    """A table of examples without the columns that are needed; both are lists of names."""

    key = "wrong_columns"
    sentence = "“{name}” has the columns {found}. Wanted are {wanted}: name them so."


class UnusableExamples(DemystifyError):
    """Conversations that nothing can be learned from. ``reason`` is a Phrase."""

    key = "unusable_examples"
    sentence = "These examples cannot be used for training ({reason}): add more, or choose others."


class NothingToChoose(DemystifyError):
    """Fewer than two answers, or the same one twice."""

    key = "nothing_to_choose"
    sentence = "There are no two different answers to choose from: let the model write two first."


class NothingToMeasure(DemystifyError):
    """A scoreboard without a run."""

    key = "nothing_to_measure"
    sentence = "There is no finished fine-tuning run to measure: train one in the Fine-tune tab first."


class MeasuringTooLarge(DemystifyError):
    """Out of memory in the step that checks an estimate."""

    key = "measuring_too_large"
    sentence = "There is not enough memory for the measuring step now: try again when less is running here."


class RunsTooLarge(DemystifyError):
    """A visitor's runs take more than ``limit`` MB of the disk."""

    key = "runs_too_large"
    sentence = "Your training runs take {used} MB of the disk, and {limit} MB is the most: delete one first."


class TrainingTimeUsed(DemystifyError):
    """A visitor's runs have taken, or will take, ``used`` minutes of the ``limit`` within ``hours``."""

    key = "training_time_used"
    sentence = (
        "Your training runs have taken or will take {used} minutes, and {limit} within {hours} hours is the most: "
        "stop one that is at work, or go on later."
    )


class TooManyRuns(DemystifyError):
    """A visitor's ``limit`` of runs that wait or work."""

    key = "too_many_runs"
    sentence = "You already have {limit} training runs at work or waiting: stop or delete one first."


class NameTaken(DemystifyError):
    """Another run of the same visitor is called so."""

    key = "name_taken"
    sentence = "You already have a run called “{name}”: give this one another name."


class NoSuchRun(DemystifyError):
    """The run was deleted, or belongs to somebody else."""

    key = "no_such_run"
    sentence = "This run does not exist any more: choose another one from the list."


class NoRunOfLink(NoSuchRun):
    """The same of a run that the page's address names."""

    key = "no_run_of_link"
    sentence = (
        "The run of this link does not exist any more, or belongs to another browser: go on with this page’s model, "
        "or train one of your own."
    )


class NotTrainedYet(DemystifyError):
    """A model was asked for before the run has one."""

    key = "not_trained_yet"
    sentence = "This run has no model yet: wait until it has ended, or stop it."


class OnlyMerged(DemystifyError):
    """An adapter alone was asked for, and the model that it belongs to is a run that nobody else has."""

    key = "only_merged"
    sentence = (
        "The model that this run began with is one of your own runs, which nobody else has: choose to have the adapter "
        "added to the model’s weights."
    )


class NotForSummaries(DemystifyError):
    """A run was to summarize whose examples are no texts with their summaries."""

    key = "not_for_summaries"
    sentence = (
        "“{name}” has not learned to summarize: choose a run that was trained on texts with their summaries, such as "
        "the columns “dialogue” and “summary”."
    )


class NobodyLoggedIn(DemystifyError):
    """A model was to go into an account on the hub, and no account is known."""

    key = "nobody_logged_in"
    sentence = (
        "Nobody is logged in to the hub: log in with the button on a Space, as the presenter run `hf auth login` on "
        "this machine, or download the file and upload it yourself."
    )


class NotPublished(DemystifyError):
    """The hub did not take it; ``reason`` is a phrase."""

    key = "not_published"
    sentence = "It was not published ({reason}): download the file, and upload it yourself."
