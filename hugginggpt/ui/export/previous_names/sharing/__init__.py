"""``hugginggpt.sharing``, as exported workflows of earlier versions name it."""
