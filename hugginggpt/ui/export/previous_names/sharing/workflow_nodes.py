"""``python -m hugginggpt.sharing.workflow_nodes``, as exported workflows of earlier versions say it."""

from hugginggpt.ui.export.gradio_workflow_nodes import functions as functions
from hugginggpt.ui.export.gradio_workflow_nodes import main

if __name__ == "__main__":
    main()
