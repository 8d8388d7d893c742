// SPDX-License-Identifier: Apache-2.0
#include "tests/views/markdown/spec.hpp"

#include <cstdlib>
#include <fstream>

namespace lyceum::tests {
namespace {

/// The specification writes a tab as an arrow.
std::string with_tabs(std::string_view text) {
  constexpr std::string_view arrow = "→";
  std::string out;
  for (auto at = text.find(arrow); at != std::string_view::npos; at = text.find(arrow)) {
    out.append(text.substr(0, at)).append(1, '\t');
    text.remove_prefix(at + arrow.size());
  }
  return out.append(text);
}

} // namespace

std::string source_folder() {
  const char* folder = std::getenv("LYCEUM_SOURCE");
  return folder ? folder : ".";
}

std::optional<std::vector<example>> spec_examples() {
  const char* given = std::getenv("LYCEUM_SPEC");
  const std::string folder =
      given ? std::string(given) : source_folder().append("/tests/peers/node_modules/commonmark-spec");
  std::ifstream file(std::string(folder).append("/spec.txt"));
  if (!file)
    return std::nullopt;
  const std::string fence(32, '`');
  std::vector<example> examples;
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with(fence) || !line.ends_with(" example"))
      continue;
    example one{static_cast<int>(examples.size()) + 1, {}, {}};
    std::string* part = &one.markdown;
    while (std::getline(file, line) && line != fence) {
      if (line == "." && part == &one.markdown)
        part = &one.html;
      else
        part->append(line).append(1, '\n');
    }
    one.markdown = with_tabs(one.markdown);
    one.html = with_tabs(one.html);
    examples.push_back(std::move(one));
  }
  return examples;
}

} // namespace lyceum::tests
