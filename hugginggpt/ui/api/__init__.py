"""The API and MCP server: the agent for programs, over Gradio's endpoints.

Imported by `ui.page`. A new endpoint is a method of `endpoints`, its result a class in `schemas`.
"""
