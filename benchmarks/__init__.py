"""Side by side with what notebook users have today, in the same JupyterLab and Chromium: `python -m benchmarks`."""
