// SPDX-License-Identifier: Apache-2.0
#include "school.hpp"

#include "http/access_log.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace lyceum::http::testing {
namespace {

class front_log_test : public school {
protected:
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("lyceum-log-" + std::to_string(getpid()));

  front_log_test() { std::filesystem::create_directories(folder); }
  ~front_log_test() override { std::filesystem::remove_all(folder); }

  static std::string text_of(const std::filesystem::path& path) {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }
};

TEST_F(front_log_test, each_answer_is_a_line) {
  config.access_log = folder / "access.jsonl";
  pages.put("/ready", ready_page("ready"));
  open();
  const auto id = get("/plain/a?q=\"x\"").field("X-Request-Id");
  get("/ready");
  get("/nothing");
  client(address()).say("\x16\x03").hear();
  site.reset();
  std::istringstream lines(text_of(folder / "access.jsonl"));
  std::vector<std::string> all;
  for (std::string line; std::getline(lines, line);)
    all.push_back(line);
  ASSERT_EQ(all.size(), 4u);
  const auto has = [&](std::size_t i, const std::string& text) {
    EXPECT_NE(all[i].find(text), std::string::npos) << text << " is not in " << all[i];
  };
  has(0, "\"id\":\"" + id + "\"");
  has(0, R"("peer":"127.0.0.1","method":"GET","target":"/plain/a?q=\"x\"","status":200)");
  has(0, R"("cache":"none","route":"/plain/:name"})");
  has(1, R"("target":"/ready","status":200)");
  has(1, R"("cache":"hit","route":"/ready"})");
  has(2, R"("status":404)");
  has(3, R"("method":"","target":"","status":400)");
  EXPECT_EQ(all[0].substr(0, 11), "{\"time\":\"20");
}

TEST_F(front_log_test, what_opens_an_account_is_left_out_of_a_line) {
  config.access_log = folder / "access.jsonl";
  open();
  get("/sign-in/link/Qm7tW2kZ9vXc4bNa1sLd?x=/y");
  get("/de/sign-in/link/Qm7tW2kZ9vXc4bNa1sLd");
  site.reset();
  const auto text = text_of(folder / "access.jsonl");
  EXPECT_NE(text.find(R"("target":"/sign-in/link/","status")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("target":"/de/sign-in/link/","status")"), std::string::npos) << text;
  EXPECT_EQ(text.find("Qm7tW2"), std::string::npos) << text;
}

/// 200 lines, in files of 2000 bytes.
void fill_files(const std::filesystem::path& path, std::size_t files_max) {
  access_log log(path, 2000, files_max, 1);
  for (int i = 0; i < 200; ++i) {
    log_entry entry;
    entry.target = "/a";
    entry.method = "GET";
    entry.bytes = static_cast<std::uint64_t>(i);
    ASSERT_TRUE(log.ring(0).put(entry));
    if (i % 10 == 9) {
      log.hurry();
      ASSERT_TRUE(eventually([&] { return log.ring(0).filled() == 0; }));
    }
  }
}

TEST_F(front_log_test, as_many_files_are_kept_as_is_configured_and_older_ones_go) {
  const auto path = folder / "access.jsonl";
  const auto files = [&] {
    return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
  };
  for (const std::size_t most : {6, 2, 1, 3}) {
    fill_files(path, most);
    EXPECT_EQ(files(), static_cast<std::ptrdiff_t>(most));
    EXPECT_NE(text_of(path).find("\"bytes\":199"), std::string::npos);
  }
}

TEST_F(front_log_test, four_files_are_kept) {
  const auto path = folder / "access.jsonl";
  fill_files(path, 4);
  for (const auto* name : {"access.jsonl", "access.jsonl.1", "access.jsonl.2", "access.jsonl.3"}) {
    EXPECT_GT(text_of(folder / name).size(), 0u) << name;
    EXPECT_LE(text_of(folder / name).size(), 2000u) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "access.jsonl.4"));
  EXPECT_NE(text_of(path).find("\"bytes\":199"), std::string::npos) << "the last line is in the first file";
}

TEST_F(front_log_test, a_full_ring_drops_and_says_so) {
  log_ring ring;
  log_entry entry;
  const std::string target(400, 'x');
  entry.target = target;
  std::size_t put = 0;
  while (ring.put(entry))
    ++put;
  EXPECT_GT(put, 500u);
  std::string texts;
  ASSERT_TRUE(ring.take(entry, texts));
  EXPECT_EQ(entry.target, target);
  EXPECT_TRUE(ring.put(entry)) << "there is room again";
}

TEST_F(front_log_test, lines_survive_the_ring_s_end) {
  log_ring ring;
  std::string texts;
  for (int i = 0; i < 20'000; ++i) {
    log_entry entry, back;
    const auto target = "/" + std::string(static_cast<std::size_t>(i % 500), static_cast<char>('a' + i % 26));
    entry.target = target;
    entry.route = "/:route";
    entry.bytes = static_cast<std::uint64_t>(i);
    ASSERT_TRUE(ring.put(entry));
    ASSERT_TRUE(ring.take(back, texts));
    ASSERT_EQ(back.target, target);
    ASSERT_EQ(back.route, "/:route");
    ASSERT_EQ(back.bytes, entry.bytes);
  }
}

TEST_F(front_log_test, what_is_not_ascii_becomes_an_escape) {
  std::string text;
  append_json_escaped(text, std::string_view("a\"\\\n\x7f\xff", 6));
  EXPECT_EQ(text, "a\\\"\\\\\\u000a\\u007f\\u00ff");
}

TEST_F(front_log_test, a_log_that_cannot_be_opened_is_an_error) {
  config.access_log = folder / "no/such/folder/access.jsonl";
  EXPECT_THROW(open(), std::runtime_error);
}

} // namespace
} // namespace lyceum::http::testing
