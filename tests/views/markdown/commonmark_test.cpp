// SPDX-License-Identifier: Apache-2.0
#include "tests/views/markdown/spec.hpp"
#include "views/markdown.hpp"
#include "views/markdown/tree.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <iostream>
#include <map>
#include <set>

using namespace lyceum;
using namespace lyceum::tests;

namespace {

constexpr const char* absent = "commonmark-spec 0.30.0 is not installed: npm ci in tests/peers, or set LYCEUM_SPEC";

/// What a lesson looks like by default: raw HTML is not trusted.
std::string page_html(const std::string& markdown) {
  render_input input;
  input.markdown = markdown;
  const auto made = views::render_lesson(input);
  return made ? made->html : "refused: " + made.error().detail + "\n";
}

/// Example number and reason, one a line.
std::map<int, std::string> known_differences() {
  std::ifstream file(source_folder() + "/tests/views/markdown/commonmark_differences.txt");
  std::map<int, std::string> known;
  std::string line;
  while (std::getline(file, line))
    if (!line.empty() && line[0] != '#')
      known[std::stoi(line)] = line.substr(std::min(line.find(' '), line.size()));
  return known;
}

} // namespace

TEST(commonmark, the_bare_stage_gives_every_examples_html_exactly) {
  const auto examples = spec_examples();
  if (!examples)
    GTEST_SKIP() << absent;
  ASSERT_EQ(examples->size(), 652U);
  for (const auto& one : *examples)
    EXPECT_EQ(views::markdown::bare_commonmark(one.markdown), one.html) << "example " << one.number;
}

TEST(commonmark, the_whole_pipeline_differs_where_the_list_says_so_and_nowhere_else) {
  const auto examples = spec_examples();
  if (!examples)
    GTEST_SKIP() << absent;
  const auto known = known_differences();
  ASSERT_FALSE(known.empty());
  for (const auto& one : *examples) {
    const auto html = page_html(one.markdown);
    if (known.contains(one.number))
      EXPECT_NE(html, one.html) << "example " << one.number << " is listed, but no longer differs";
    else
      EXPECT_EQ(html, one.html) << "example " << one.number << " differs, and the list gives no reason\n"
                                << one.markdown;
  }
}

TEST(commonmark, every_listed_difference_has_a_reason) {
  for (const auto& [number, reason] : known_differences())
    EXPECT_GT(reason.size(), 10U) << "example " << number;
}
