# Markdown to safe HTML. cmark is included by markdown.cpp alone.
lyceum_library(markdown
  SOURCES markdown.cpp markdown/guards.cpp markdown/tables.cpp markdown/inlines.cpp markdown/footnotes.cpp
          markdown/callouts.cpp
          markdown/raw_html.cpp markdown/links.cpp markdown/code.cpp markdown/outline.cpp markdown/write.cpp
          sanitize.cpp sanitize_rules.cpp slug.cpp highlight.cpp highlight_run.cpp
  USES    lyceum_model
  HIDES   PkgConfig::cmark PkgConfig::utf8proc PkgConfig::sodium Threads::Threads)
