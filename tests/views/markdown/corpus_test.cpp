// SPDX-License-Identifier: Apache-2.0
#include "tests/views/markdown/browser.hpp"
#include "tests/views/markdown/spec.hpp"
#include "views/highlight.hpp"
#include "views/markdown.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iostream>
#include <set>

using namespace lyceum;
using namespace lyceum::tests;

namespace {

namespace fs = std::filesystem;
using seconds = std::chrono::duration<double>;

struct text {
  std::string name;
  std::string markdown;
};

std::string without_front_matter(std::string markdown) {
  const auto end = markdown.starts_with("---\n") ? markdown.find("\n---\n", 3) : std::string::npos;
  return end == std::string::npos ? markdown : markdown.substr(end + 5);
}

/// From LYCEUM_CORPUS, else beside the sources; empty where there is none.
std::vector<text> corpus() {
  const char* given = std::getenv("LYCEUM_CORPUS");
  const fs::path folder = given ? fs::path(given) : fs::path(source_folder()) / "../shared/corpus/elixirschool";
  std::vector<text> texts;
  if (!fs::exists(folder))
    return texts;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".md")
      continue;
    std::ifstream file(entry.path());
    texts.push_back({entry.path().string(), without_front_matter({std::istreambuf_iterator<char>(file), {}})});
  }
  return texts;
}

rendered_text render(const text& one, const views::colours& known = {}) {
  render_input input;
  input.markdown = one.markdown;
  input.base_path = "/courses/x/";
  auto made = views::render_lesson(input, known);
  EXPECT_TRUE(made) << one.name << ": " << made.error().detail;
  return made.value_or(rendered_text{});
}

void check(const text& one, const rendered_text& made) {
  EXPECT_EQ(unbalanced(made.html), "") << one.name;
  EXPECT_THAT(faults(made.html, views::allow_list::lesson), testing::IsEmpty()) << one.name;
  EXPECT_EQ(views::sanitize(made.html, views::allow_list::lesson), made.html) << one.name;
  std::set<std::string> ids;
  for (const auto& element : seen_by_browser(made.html)) {
    std::string id;
    for (const auto& [name, value] : element.attributes)
      if (name == "id")
        id = value;
    const bool heading = element.tag.size() == 2 && element.tag[0] == 'h' && element.tag != "hr";
    EXPECT_FALSE(heading && id.empty()) << one.name;
    EXPECT_TRUE(id.empty() || ids.insert(id).second) << one.name << ": " << id;
  }
}

} // namespace

TEST(corpus, renders_whole_with_anchors_and_balanced_tags) {
  const auto texts = corpus();
  if (texts.empty())
    GTEST_SKIP() << "no corpus: set LYCEUM_CORPUS";
  seconds rendering{0};
  for (const auto& one : texts) {
    const auto started = std::chrono::steady_clock::now();
    const auto made = render(one);
    rendering += std::chrono::steady_clock::now() - started;
    check(one, made);
  }
  std::cout << texts.size() << " texts in " << rendering.count() << " s\n";
}

TEST(corpus, gets_colours_for_every_block_of_a_known_language) {
  const auto texts = corpus();
  if (texts.empty() || !views::highlight_available())
    GTEST_SKIP() << "no corpus or no highlight program";
  std::map<std::string, std::map<std::string, code_block>> blocks;
  for (const auto& one : texts)
    for (auto& block : render(one).blocks)
      if (!block.language.empty())
        blocks[block.language].emplace(block.hash, block);

  views::colours known;
  std::size_t processes = 0;
  const auto started = std::chrono::steady_clock::now();
  for (const auto& [language, distinct] : blocks) {
    views::highlight_batch batch{language, {}};
    for (auto block = distinct.begin(); block != distinct.end();) {
      batch.blocks.push_back(block->second);
      if (++block != distinct.end() && batch.blocks.size() < views::highlight_blocks_max)
        continue;
      const auto made = views::run_highlight(batch, std::chrono::steady_clock::now() + std::chrono::seconds(60));
      ASSERT_TRUE(made) << language << ": " << made.error().detail;
      known.insert(made->begin(), made->end());
      batch.blocks.clear();
      ++processes;
    }
  }
  std::cout << known.size() << " distinct blocks, " << processes << " processes, "
            << seconds(std::chrono::steady_clock::now() - started).count() << " s\n";
  for (const auto& one : texts) {
    const auto made = render(one, known);
    EXPECT_TRUE(made.coloured) << one.name;
    check(one, made);
  }
}
