from pathlib import Path

import keras

from . import InputError
from .config import TrainingOptions
from .inputs import InputSchema, trunk
from .runs import read_json
from .transfer import copy_heads


def known_inputs(options: TrainingOptions) -> InputSchema | None:
    """Read the columns and statistics of the run that --trunk-from names, if it is given.

    Raises InputError where options contradict, or that run has no trunk of the sizes in config.py.
    """
    if options.unfreeze_after and not options.freeze_trunk:
        raise InputError("--unfreeze-after: the trunk is not frozen; give --freeze-trunk too")
    if not 0 <= options.unfreeze_after < options.epochs:
        raise InputError(f"--unfreeze-after {options.unfreeze_after}; give 0 to below --epochs")
    run = options.trunk_from
    if run is None:
        return None
    if options.resume and (options.resume / "schema.json").is_file():
        run = options.resume  # it has the same, even if the other run has changed
    saved = read_json(run / "schema.json")
    try:
        inputs = InputSchema.from_json(saved["inputs"])
    except Exception as error:  # a damaged file can fail in many ways
        raise InputError(f"{run / 'schema.json'} is not usable: {error!r}; train anew") from None
    if run != options.resume:
        theirs, ours = read_network(run).get_layer("trunk"), trunk(inputs)
        sizes = [[weight.shape for weight in network.weights] for network in (theirs, ours)]
        if sizes[0] != sizes[1]:
            what = f"the weights of its trunk are {sizes[0]}, those of config.py {sizes[1]}"
            raise InputError(f"--trunk-from {run}: {what}; change the sizes in config.py")
    return inputs


def read_network(run: Path) -> keras.Model:
    """Read the network of a run's best epoch. Raises InputError."""
    try:
        network = keras.models.load_model(run / "best.keras")
        network.get_layer("trunk")
    except Exception as error:  # a damaged file can fail in many ways
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"--trunk-from {run}: no usable trunk: {reason}; train anew") from None
    return network


def start_from(run: Path, network: keras.Model) -> None:
    """Give a network the trunk of a run, and its heads of the same name, kind and sizes."""
    source = read_network(run)
    network.get_layer("trunk").set_weights(source.get_layer("trunk").get_weights())
    copied = copy_heads(source, read_json(run / "config.json").get("TASKS", []), network)
    heads = f", heads of {', '.join(copied)}" if copied else ""
    print(f"Copied from {run}: trunk{heads}.")
