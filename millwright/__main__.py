"""`python -m millwright`: the command line."""

from millwright.cli import app

if __name__ == "__main__":
    app(prog_name="millwright")
