"""From records to tables, figures and one HTML page; never imports torch.

    rd_points -> bd_frame -> Table, Figure -> page       points.py, curves.py, table*.py, figure*.py, page.py

`lic_bench.report.write_report.write_report` does all of it.
"""
