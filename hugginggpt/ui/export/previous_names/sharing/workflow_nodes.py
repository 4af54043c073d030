"""``python -m hugginggpt.sharing.workflow_nodes``, as exported workflows of earlier versions say it."""

from hugginggpt.ui.export.gradio_workflow_nodes import main
from hugginggpt.ui.export.gradio_workflow_nodes import make_functions as make_functions

if __name__ == "__main__":
    main()
