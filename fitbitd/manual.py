"""The man page and the shell completion, both made from the command line itself.

python -m fitbitd.manual man > fitbitd.1
python -m fitbitd.manual bash > ~/.local/share/bash-completion/completions/fitbitd
"""

import argparse
import sys
from collections.abc import Iterator, Mapping

from fitbitd import __version__, cli

_FILES = {
    "/etc/fitbitd/fitbitd.toml": "the configuration; fitbitd init writes an example",
    "/var/lib/fitbitd": "what was collected: a folder for each account",
}

_BASH = """\
_fitbitd() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} words
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "{commands}" -- "$word")
        return
    fi
    case ${{COMP_WORDS[1]}}:$before in
{chosen}
        *) case ${{COMP_WORDS[1]}} in
{words}
        esac ;;
    esac
    [[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -o default -F _fitbitd fitbitd
"""


def man_page() -> str:
    """Write the page that `man fitbitd` shows."""
    top = cli.parser()
    lines = [
        f'.TH FITBITD 1 "" "fitbitd {__version__}" "fitbitd"',
        ".SH NAME",
        r"fitbitd \- bring a person's Fitbit data home",
        ".SH SYNOPSIS",
        r"\fBfitbitd\fR \fICOMMAND\fR [\fIARGUMENT\fR...]",
        ".SH DESCRIPTION",
        *_verbatim(top.description or ""),
        ".SH OPTIONS",
        *_arguments(top),
        ".SH COMMANDS",
    ]
    for name, parser in _commands(top).items():
        lines += [f".SS {_plain(name)}", *_verbatim(parser.description or ""), *_arguments(parser)]
    lines.append(".SH FILES")
    for path, what in _FILES.items():
        lines += [".TP", rf"\fI{_plain(path)}\fR", _plain(what)]
    return "\n".join(lines) + "\n"


def bash_completion() -> str:
    """Write what makes bash complete commands, options, and words to choose from; else files."""
    top = cli.parser()
    words, chosen = [], []
    for name, parser in _commands(top).items():
        own: list[str] = []
        for action in _actions(parser):
            own += action.option_strings
            choices = " ".join(map(str, action.choices or ()))
            if choices and action.option_strings:
                before = "|".join(f"{name}:{flag}" for flag in action.option_strings)
                chosen.append(f'        {before}) words="{choices}" ;;')
            elif choices:
                own.append(choices)
        words.append(f'            {name}) words="{" ".join(own)}" ;;')
    commands = [*_commands(top), *(flag for each in _actions(top) for flag in each.option_strings)]
    return _BASH.format(
        commands=" ".join(commands), chosen="\n".join(chosen), words="\n".join(words)
    )


def _commands(top: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    return next(
        each.choices
        for each in _actions(top)
        if isinstance(each, argparse._SubParsersAction)  # noqa: SLF001 - as below
    )


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions  # noqa: SLF001 - argparse has no public way to ask


def _arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Tell of each argument what it is, under its names."""
    for action in _actions(parser):
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            continue
        names = [rf"\fB{_plain(name)}\fR" for name in action.option_strings]
        value = "" if action.nargs == 0 else _value(action)
        yield from (".TP", " ".join(filter(None, (", ".join(names), value))))
        yield _plain(action.help or "")


def _value(action: argparse.Action) -> str:
    if action.metavar is None and action.choices:
        return _plain("|".join(map(str, action.choices)))
    name = action.metavar or action.dest.upper()
    return rf"\fI{_plain(name if isinstance(name, str) else ' '.join(name))}\fR"


def _verbatim(text: str) -> Iterator[str]:
    """Write paragraphs, and examples (lines that are set in) as they are."""
    yield ".PP"
    within = False
    for line in text.strip().splitlines():
        if line.startswith(" ") != within:
            within = not within
            yield ".RS 2\n.nf" if within else ".fi\n.RE"
        yield _plain(line.strip() if within else line) or ".PP"
    if within:
        yield ".fi\n.RE"


def _plain(text: str) -> str:
    """Write text so that roff takes it for nothing else."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("%%", "%")
    return rf"\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    kinds = {"man": man_page, "bash": bash_completion}
    if len(sys.argv) != 2 or sys.argv[1] not in kinds:  # noqa: PLR2004 - our name, and a kind
        sys.exit("Next: python -m fitbitd.manual man, or: python -m fitbitd.manual bash")
    sys.stdout.write(kinds[sys.argv[1]]())
