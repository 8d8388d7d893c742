// SPDX-License-Identifier: Apache-2.0
#include "views/highlight.hpp"
#include "views/markdown/code.hpp"
#include "views/sanitize.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace lyceum;
using namespace std::chrono_literals;
using views::checked_colours;

namespace {

code_block block(std::string language, std::string code) {
  const std::string hash = views::markdown::code_hash(language, code);
  return {hash, std::move(language), std::move(code)};
}

auto in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

/// A folder on PATH whose `highlight` is a script of the test's.
class with_program : public testing::Test {
protected:
  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() / "lyceum-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = std::getenv("PATH");
    ::setenv("PATH", (folder_ + ":" + path_).c_str(), 1);
    ::setenv("TMPDIR", folder_.c_str(), 1);
  }
  void TearDown() override {
    ::setenv("PATH", path_.c_str(), 1);
    ::unsetenv("TMPDIR");
    std::filesystem::remove_all(folder_);
  }
  void program(const std::string& script) {
    const std::string file = folder_ + "/highlight";
    std::ofstream(file) << "#!/bin/sh\n" << script << "\n";
    ::chmod(file.c_str(), 0700);
  }
  std::size_t files_left() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& one : std::filesystem::directory_iterator(folder_))
      ++count;
    return count - 1; // the program itself
  }
  const std::string& folder() const { return folder_; }

private:
  std::string folder_;
  std::string path_;
};

} // namespace

TEST(checked_colours, keeps_words_and_joins_neighbours) {
  EXPECT_EQ(checked_colours(
                "<span class=\"hl kwa\">def</span> <span class=\"hl kwa\">do</span><span class=\"hl opt\">:</span> x",
                "def do: x"),
            "<span class=\"hl kwa\">def do</span>: x");
  EXPECT_EQ(checked_colours("<span class=\"hl str\">&quot;a &lt;&amp;&gt; &apos;&#64;</span>", "\"a <&> '@"),
            "<span class=\"hl str\">&quot;a &lt;&amp;&gt; '@</span>");
}

TEST(checked_colours, forgives_the_line_end_at_the_end) {
  EXPECT_EQ(checked_colours("a", "a\n"), "a\n");
  EXPECT_EQ(checked_colours("a\n", "a"), "a");
  EXPECT_EQ(checked_colours("", "\n"), "\n");
}

TEST(checked_colours, gives_plain_code_where_anything_is_odd) {
  const std::string code = "a<b";
  const std::string plain = "a&lt;b";
  for (const std::string odd : {
           "",
           "a",
           "a&lt;",
           "a&lt;bc",
           "a<b",
           "<b>a</b>&lt;b",
           "<span class=\"hl kwa\">a&lt;b",
           "a&lt;b</span>",
           "<span class=\"hl evil\">a</span>&lt;b",
           "<span class=\"hl kwa\" onclick=\"x\">a</span>&lt;b",
           "<script>a</script>&lt;b",
           "a&evil;b",
           "<span class='hl kwa'>a</span>&lt;b",
           "x&lt;b",
           "<span class=\"hl kwa\">a",
       })
    EXPECT_EQ(checked_colours(odd, code), plain) << odd;
}

RC_GTEST_PROP(checked_colours, gives_nothing_that_the_sanitiser_would_change, (const std::string& fragment)) {
  const auto out = checked_colours(fragment, fragment);
  std::string printable;
  for (const char c : out)
    if (static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7F)
      printable += c;
  RC_ASSERT(views::sanitize(printable, views::allow_list::lesson) == printable);
}

TEST(highlight_arguments, come_from_our_list_and_never_from_a_shell) {
  EXPECT_THAT(views::highlight_arguments("elixir", "/tmp/x", 2),
              testing::ElementsAre("highlight", "--out-format=html", "--fragment", "--no-doc", "--encoding=utf-8",
                                   "--quiet", "--syntax=elixir", "--outdir=/tmp/x", "/tmp/x/0", "/tmp/x/1"));
}

TEST(highlighting, colours_each_block_by_itself) {
  if (!views::highlight_available())
    GTEST_SKIP() << "the highlight program is not installed";
  const views::highlight_batch batch{
      "elixir",
      {block("elixir", "x = \"never closed\n"), block("elixir", "def a, do: 1 # é <b>\n"), block("elixir", "")}};
  pid_t pid = 0;
  const auto made = views::run_highlight(batch, in(20s), [&](pid_t started) { pid = started; });
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_GT(pid, 0);
  ASSERT_EQ(made->size(), 3U);
  EXPECT_EQ((*made)[0].first, batch.blocks[0].hash);
  EXPECT_EQ((*made)[0].second, "x = <span class=\"hl str\">&quot;never closed</span>\n");
  EXPECT_EQ((*made)[1].second,
            "<span class=\"hl kwa\">def</span> a, <span class=\"hl kwa\">do</span>: <span class=\"hl num\">1</span> "
            "<span class=\"hl slc\"># é &lt;b&gt;</span>\n");
  EXPECT_EQ((*made)[2].second, "");
}

TEST(highlighting, knows_every_language_of_our_list) {
  if (!views::highlight_available())
    GTEST_SKIP() << "the highlight program is not installed";
  for (const std::string name :
       {"c",          "clojure", "cmake", "cpp",     "csharp",   "css",   "diff",  "docker", "elixir",
        "erlang",     "fsharp",  "go",    "haskell", "html",     "ini",   "java",  "js",     "json",
        "kotlin",     "lisp",    "lua",   "make",    "markdown", "nginx", "ocaml", "perl",   "php",
        "powershell", "python",  "r",     "ruby",    "rust",     "scala", "scss",  "sh",     "sql",
        "swift",      "tex",     "ts",    "xml",     "yaml"}) {
    const auto made = views::run_highlight({name, {block(name, "a = \"b\" /* 1 */\n")}}, in(20s));
    ASSERT_TRUE(made) << name << ": " << made.error().detail;
  }
}

TEST(highlighting, refuses_what_is_no_batch) {
  EXPECT_EQ(views::run_highlight({"evil; rm", {block("elixir", "x")}}, in(1s)).error().what, problem::kind::invalid);
  EXPECT_EQ(views::run_highlight({"elixir", {}}, in(1s)).error().what, problem::kind::invalid);
  const views::highlight_batch many{"elixir",
                                    std::vector<code_block>(views::highlight_blocks_max + 1, block("elixir", "x"))};
  EXPECT_EQ(views::run_highlight(many, in(1s)).error().what, problem::kind::too_large);
}

TEST_F(with_program, a_program_that_hangs_is_killed_at_the_deadline) {
  program("exec sleep 1000");
  const auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(views::run_highlight({"elixir", {block("elixir", "x")}}, in(200ms)).error().what, problem::kind::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - started, 10s);
  EXPECT_EQ(files_left(), 0U);
}

TEST_F(with_program, killing_the_process_ends_the_call_from_another_thread) {
  program("exec sleep 1000");
  std::thread killer;
  const auto ended = views::run_highlight({"elixir", {block("elixir", "x")}}, in(60s),
                                          [&](pid_t pid) { killer = std::thread([pid] { ::kill(pid, SIGKILL); }); });
  killer.join();
  EXPECT_EQ(ended.error().what, problem::kind::unavailable);
  EXPECT_EQ(files_left(), 0U);
}

TEST_F(with_program, a_program_that_fails_is_an_outage) {
  program("exit 3");
  EXPECT_EQ(views::run_highlight({"elixir", {block("elixir", "x")}}, in(10s)).error().what, problem::kind::unavailable);
}

TEST_F(with_program, a_program_that_writes_nonsense_costs_only_the_colours) {
  program("for one; do last=$one; done; echo '<script>alert(1)</script>' > $last.html");
  const auto made = views::run_highlight({"elixir", {block("elixir", "a<b")}}, in(10s));
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_EQ(made->front().second, "a&lt;b");
  EXPECT_EQ(files_left(), 0U);
}

TEST_F(with_program, the_program_hears_nothing_of_our_files_and_secrets) {
  ::setenv("LYCEUM_SECRET", "hush", 1);
  program("env > " + folder() + "/said; ls /proc/self/fd | wc -l >> " + folder() + "/said");
  EXPECT_TRUE(views::run_highlight({"elixir", {block("elixir", "x")}}, in(10s)));
  ::unsetenv("LYCEUM_SECRET");
  std::ifstream said(folder() + "/said");
  const std::string text((std::istreambuf_iterator<char>(said)), {});
  EXPECT_THAT(text, testing::HasSubstr("LC_ALL=C.UTF-8"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("hush")));
}

TEST(highlighting, without_the_program_is_an_outage) {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  EXPECT_FALSE(views::highlight_available());
  const auto made = views::run_highlight({"elixir", {block("elixir", "x")}}, in(1s));
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(made.error().what, problem::kind::unavailable);
}
