// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lyceum {

/// A file that a text names, where it is served, and a picture's size in pixels (zeros where it is not known).
struct media_link {
  std::string name; ///< as the text writes it: "diagram.png"
  std::string url;  ///< "/media/0a1b…/diagram.png"
  int width = 0;
  int height = 0;

  bool operator==(const media_link&) const = default;
};

/// Everything that decides what HTML a text becomes. Equal inputs give equal HTML for one renderer version.
/// A text's *render key* is the SHA-256 of its input, as 64 hexadecimal digits (storage/rendered.hpp makes it).
struct render_input {
  std::string markdown;
  /// The URL path of the folder that a relative link starts from, with a slash at its end: "/courses/basics/",
  /// "/fr/courses/basics/", "/articles/". `NN-other.md` and `other.md#part` become `<base_path>other#part`.
  std::string base_path;
  /// File stems whose slug is not the stem without NN: ("03-enum", "enumerables"). In order of the stem.
  std::vector<std::pair<std::string, std::string>> slugs;
  /// Files beside the text. In order of the name.
  std::vector<media_link> media;
  bool trusted_html = false;

  bool operator==(const render_input&) const = default;
};

/// Why a text cannot become HTML: a bound of size, nesting, columns or output.
struct refusal {
  int line = 0; ///< of the Markdown, from 1; 0: the text as a whole
  std::string why;
};
/// Nothing where the text can be rendered. Storage knows no renderer, so whoever imports or checks brings one.
using render_judge = std::function<std::optional<refusal>(const render_input&)>;

/// A heading, for the table of contents.
struct heading {
  int level = 2;     ///< 2 to 4
  std::string id;    ///< its anchor, without '#'
  std::string title; ///< plain text, not escaped

  bool operator==(const heading&) const = default;
};

/// A fenced code block as written.
struct code_block {
  std::string hash;     ///< SHA-256 of language, NUL, code: 64 hexadecimal digits
  std::string language; ///< from our allow-list ("elixir", "sh"), never the author's raw word; empty: plain
  std::string code;

  bool operator==(const code_block&) const = default;
};

/// A text as the site serves it. All HTML here has passed the sanitiser.
struct rendered_text {
  std::string html;      ///< the whole text
  std::string free_html; ///< the part before `<!-- more -->`; empty where there is none
  bool has_more = false; ///< a `<!-- more -->` stands in the text
  std::vector<heading> headings;
  std::vector<code_block> blocks;
  bool coloured = false; ///< every block of a known language carries its colours

  bool operator==(const rendered_text&) const = default;
};

} // namespace lyceum
