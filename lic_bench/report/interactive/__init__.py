"""What the page's scripts show: data of the interactive figures, their library, pictures that runs saved."""
