"""From runs to tables, figures and one HTML page; never imports torch.

    runs -> frames/ -> tables/, figures/ -> html_page.py

`write_report.py` does all of it; `frames/report_data.py` gathers what tables and figures show.
"""
