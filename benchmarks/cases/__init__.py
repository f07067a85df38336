"""What is measured: each module measures one thing beside its peers and returns results."""
