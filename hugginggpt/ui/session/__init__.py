"""The state of one tab: its session, its runs in the background, its keys and choices.

Imported by every part of the page; keys live here and nowhere else. What outlives a request is a field of
`tab_session.TabSession`.
"""
