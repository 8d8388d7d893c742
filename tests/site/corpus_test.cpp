// SPDX-License-Identifier: Apache-2.0
// A real school, on both engines: every address answers with its own title, and no link of ours is broken.
#include "tests/site/server.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

namespace lyceum::testing {
namespace {

struct expected_page {
  std::string path;
  std::string title;
  std::string file;
};

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : text)
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += c;
    }
  return out;
}

/// The title as the file states it: `title: "…"` in YAML, `title: "…"` in an Elixir map.
std::string title_of(const fs::path& file) {
  const auto text = read_file(file);
  const auto at = text.find("title:");
  if (at == std::string::npos || at > 400)
    return {};
  auto line = text.substr(at + 6, text.find('\n', at) - at - 6);
  while (!line.empty() && (line.back() == ' ' || line.back() == ',' || line.back() == '\r'))
    line.pop_back();
  line.erase(0, line.find_first_not_of(' '));
  if (line.size() >= 2 && (line.front() == '"' || line.front() == '\'') && line.back() == line.front())
    line = line.substr(1, line.size() - 2);
  std::string plain;
  for (std::size_t i = 0; i < line.size(); ++i)
    plain += line[i] == '\\' && i + 1 < line.size() ? line[++i] : line[i];
  return plain;
}

/// What the folder's layout promises, read without any code of the server's.
std::vector<expected_page> promised(const fs::path& school) {
  std::vector<expected_page> all;
  const auto part = [](const fs::path& file) { // "01-basics.fr" → name, language
    const auto stem = file.stem().string();
    const auto dot = stem.rfind('.');
    return dot == std::string::npos ? std::pair{stem, std::string()}
                                    : std::pair{stem.substr(0, dot), stem.substr(dot + 1)};
  };
  const auto prefix = [](const std::string& language) {
    return language.empty() || language == "en" ? "" : "/" + language;
  };
  for (const auto& course : fs::directory_iterator(school / "courses"))
    for (const auto& file : fs::directory_iterator(course.path())) {
      if (file.path().extension() != ".md")
        continue;
      const auto [name, language] = part(file.path());
      const auto base = prefix(language) + "/courses/" + course.path().filename().string();
      const auto slug = name == "course" ? std::string() : "/" + name.substr(name.find('-') + 1);
      all.push_back({base + slug, title_of(file.path()), file.path().string()});
    }
  for (const auto& file : fs::directory_iterator(school / "articles")) {
    const auto [name, language] = part(file.path());
    all.push_back({prefix(language) + "/articles/" + name.substr(11), title_of(file.path()), file.path().string()});
  }
  return all;
}

/// The page without the text that an author wrote: without what stands in <div class="prose">.
std::string frame_of(std::string html) {
  for (auto begin = html.find("<div class=\"prose\">"); begin != std::string::npos;
       begin = html.find("<div class=\"prose\">")) {
    std::size_t at = begin + 4;
    for (int depth = 1; depth > 0;) {
      const auto open = html.find("<div", at);
      const auto close = html.find("</div>", at);
      if (close == std::string::npos)
        return html;
      depth += open < close ? 1 : -1;
      at = std::min(open, close) + 4;
    }
    html.erase(begin, at - begin);
  }
  return html;
}

std::set<std::string> links_of_ours(const std::string& html) {
  const auto frame = frame_of(html);
  std::set<std::string> found;
  static const std::regex link(R"re((?:href|src)="(/[^"#]*))re");
  for (std::sregex_iterator at(frame.begin(), frame.end(), link), none; at != none; ++at)
    found.insert((*at)[1]);
  return found;
}

struct a_real_school : ::testing::TestWithParam<const char*> {
  std::string database;
  void SetUp() override {
    if (corpus().empty())
      GTEST_SKIP() << "no corpus: set LYCEUM_CORPUS";
    if (std::string_view(GetParam()) == "postgresql") {
      database = fresh_postgres();
      if (database.empty())
        GTEST_SKIP() << "no PostgreSQL: set LYCEUM_TEST_POSTGRES (ops/test does)";
    }
  }
};

TEST_P(a_real_school, is_served_whole_with_its_own_titles_and_no_broken_link_of_ours) {
  server school({.content = corpus(), .database = database});
  ASSERT_TRUE(school.ready()) << school.log();
  ASSERT_TRUE(eventually([&] { return school.get("/courses/basics/basics").status == 200; }, 30s)) << school.log();
  const auto inspected = [&] { return school.ctl({"inspect", "content/importer"}).out; };
  ASSERT_TRUE(eventually([&] { return inspected().find("rests") != std::string::npos; }, 120s)) << inspected();

  const auto pages = promised(corpus());
  ASSERT_GT(pages.size(), 700u);
  client visitor(school.port());
  std::set<std::string> links;
  for (auto page : pages) {
    const auto got = visitor.get(page.path);
    EXPECT_EQ(got.status, 200) << page.path << " of " << page.file;
    if (got.status != 200)
      continue;
    std::erase(page.title, '`'); // marks of code are none of the title's words
    EXPECT_NE(got.body.find(html_text(page.title)), std::string::npos) << page.path << " lacks \"" << page.title << '"';
    links.merge(links_of_ours(got.body));
  }
  for (const auto* path : {"/", "/courses", "/articles"})
    links.merge(links_of_ours(visitor.get(path).body));
  EXPECT_GT(links.size(), pages.size() / 2);
  for (const auto& link : links) {
    const auto got = visitor.ask("HEAD " + link + " HTTP/1.1\r\nHost: localhost\r\n\r\n", true);
    EXPECT_EQ(got.status, link.ends_with("/account") ? 303 : 200) << link; // which leads a guest to sign in
  }
  EXPECT_EQ(school.stop(), 0);
}

INSTANTIATE_TEST_SUITE_P(engines, a_real_school, ::testing::Values("sqlite", "postgresql"),
                         [](const auto& of) { return std::string(of.param); });

} // namespace
} // namespace lyceum::testing
