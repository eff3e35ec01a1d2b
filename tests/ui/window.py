"""One browser window on JupyterLab, in the words of somebody who uses it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, Response

from ui.lab import TOKEN, Lab

SIZE = {"width": 1280, "height": 800}


def new_context(browser: Browser, *, scale: int = 1, timezone: str = "UTC") -> BrowserContext:
    """Make a context for windows.

    Args:
        browser: Of which.
        scale: Device pixels to a CSS pixel.
        timezone: Of the browser.
    """
    return browser.new_context(
        viewport=SIZE, device_scale_factor=scale, locale="en-US", timezone_id=timezone
    )


class Window:
    """A window with the panel in reach.

    Args:
        context: Of the browser; windows of one context share its cache.
        lab: What to open.
    """

    def __init__(self, context: BrowserContext, lab: Lab):
        self.lab = lab
        self._errors: list[str] = []
        self._failed_checkpoints = 0
        self.page: Page = context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.on("pageerror", self._on_error)
        self.page.on("response", self._on_response)

    @property
    def problems(self) -> list[str]:
        """The errors that reached the page, without those of JupyterLab itself.

        JupyterLab saves a new notebook while it renames it. If the file moves before the
        server has copied it to the checkpoint, the request for the checkpoint fails.
        """
        problems = list(self._errors)
        unhandled = [one for one in problems if "Unhandled error" in one]
        for one in unhandled[: self._failed_checkpoints]:
            problems.remove(one)
        return problems

    def open(self) -> None:
        """Load JupyterLab in a workspace without history."""
        self.load(f"{self.lab.url}lab?token={TOKEN}&reset")

    def load(self, url: str) -> None:
        """Load an address of JupyterLab."""
        self.page.goto(url)
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")
        self.page.locator("#jp-left-stack").wait_for(state="attached")

    def close(self) -> None:
        """Close it."""
        self.page.close()

    def execute(self, command: str, **args: object) -> None:
        """Start a command of JupyterLab, without waiting for what it does."""
        self.page.evaluate(
            "([id, args]) => { void window.jupyterapp.commands.execute(id, args); }",
            [command, args],
        )

    @property
    def panel(self) -> Locator:
        """The sidebar."""
        return self.page.locator("#jp-etl-sidebar")

    def open_panel(self, tab: str = "Pipelines") -> Locator:
        """Show the sidebar with one of its tabs; returns the sidebar once it holds something."""
        self.execute("jupyter-etl:open", tab=tab.lower())
        self.tab(tab).and_(self.page.locator('[aria-selected="true"]')).wait_for()
        self.panel.locator(".jp-EtlRow, .jp-EtlEmpty").first.wait_for()
        return self.panel

    def tab(self, name: str) -> Locator:
        """A tab of the sidebar."""
        return self.panel.get_by_role("tab", name=name)

    def row(self, name: str | int) -> Locator:
        """A row of the sidebar: a pipeline, source, publication or the number of a run."""
        return self.panel.locator(f'.jp-EtlRow[data-name="{name}"]')

    def unfold(self, name: str | int) -> Locator:
        """Unfold a row."""
        row = self.row(name)
        head = row.locator(".jp-EtlRow-head")
        head.wait_for()
        if head.get_attribute("aria-expanded") == "false":
            head.click()
        return row

    def act(self, action: str, name: str | int) -> None:
        """Click an action of a row, which appears when the pointer is on it."""
        row = self.row(name)
        row.locator(".jp-EtlRow-head").hover()
        of = f"#{name}" if isinstance(name, int) else name
        row.get_by_role("button", name=f"{action}: {of}", exact=True).first.click()

    def open_notebook(self, path: str) -> Locator:
        """Open a notebook; returns its panel once the kernel is idle."""
        self.execute("docmanager:open", path=path, factory="Notebook")
        # Until then the notebook takes the focus from whatever else is opened.
        self.page.wait_for_function(
            "path => { const front = window.jupyterapp.shell.currentWidget;"
            " return front?.context?.path === path &&"
            " front.sessionContext.session?.kernel?.status === 'idle'; }",
            arg=path,
        )
        return self.notebook

    @property
    def notebook(self) -> Locator:
        """The notebook in front."""
        return self.page.locator(".jp-NotebookPanel:visible")

    @property
    def dialog(self) -> Locator:
        """The schedule dialog."""
        return self.page.locator(".jp-EtlDialog")

    def kernels(self) -> int:
        """How many kernels run."""
        found: Any = self.page.evaluate(
            "async () => { const k = window.jupyterapp.serviceManager.kernels;"
            " await k.refreshRunning(); return [...k.running()].length; }"
        )
        return int(found)

    def use_theme(self, *, dark: bool) -> None:
        """Switch between JupyterLab's light and dark theme."""
        self.execute("apputils:change-theme", theme=f"JupyterLab {'Dark' if dark else 'Light'}")
        # The attribute is set before the style sheet is there, so the text's colour is asked too.
        self.page.wait_for_function(
            "dark => document.body.dataset.jpThemeLight === String(!dark) &&"
            " getComputedStyle(document.body).getPropertyValue('--jp-ui-font-color1')"
            ".includes('255') === dark",
            arg=dark,
        )

    def _on_error(self, error: Error) -> None:
        # JupyterLab's widgets manager says so of a notebook that was executed elsewhere.
        if "jupyter-widgets" in (error.stack or ""):
            return
        # Its windowed list of cells, when a notebook is detached while cells are being attached.
        if not str(error).endswith("(reading 'observe')"):
            self._errors.append(error.stack or str(error))

    def _on_response(self, answer: Response) -> None:
        if answer.status == 500 and answer.url.partition("?")[0].endswith("/checkpoints"):
            self._failed_checkpoints += 1
