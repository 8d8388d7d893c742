// SPDX-License-Identifier: Apache-2.0
// Crash reports: whole, folded, bounded in memory and on disk, and harmless where the disk is.
#include "supervision/crash_log.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

namespace lyceum::supervision {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

struct crash_log_test : testing::Test {
  fs::path folder = fs::temp_directory_path() / ("lyceum-crash-log-" + std::to_string(::getpid()));
  fs::path file = folder / "crashes.jsonl";

  crash_log_test() { fs::create_directories(folder); }
  ~crash_log_test() override { fs::remove_all(folder); }

  static crash number(int n) {
    crash one;
    one.kind = "crash";
    one.path = "a";
    one.reason = "reason " + std::to_string(n);
    return one;
  }
  static std::string text(const fs::path& of) {
    std::ifstream from(of, std::ios::binary);
    return {std::istreambuf_iterator<char>(from), {}};
  }
  static std::size_t lines(const fs::path& of) {
    const auto all = text(of);
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), '\n'));
  }
};

TEST_F(crash_log_test, a_report_tells_everything_that_is_known) {
  crash one = number(1);
  one.type = "std::out_of_range";
  one.last_message = "(\"poison\")";
  one.state = "{\"n\":1}";
  one.work = "the text /courses/a";
  one.request = "00aa11bb22cc33dd";
  one.generation = 7;
  one.uptime = 1234ms;
  one.mailbox = 9;
  one.restarts = "2/5 in 30000 ms";
  one.decision = "restart";
  const auto json = to_json(one);
  for (const auto* part :
       {R"("kind":"crash")", R"("path":"a")", R"("reason":"reason 1")", R"("type":"std::out_of_range")",
        R"_("last_message":"(\"poison\")")_", R"("state":"{\"n\":1}")", R"("work":"the text /courses/a")",
        R"("request":"00aa11bb22cc33dd")", R"("generation":7)", R"("uptime_ms":1234)", R"("mailbox":9)",
        R"("restarts":"2/5 in 30000 ms")", R"("decision":"restart")", R"("times":1)"})
    EXPECT_NE(json.find(part), std::string::npos) << part << " in " << json;
}

TEST_F(crash_log_test, what_differs_only_in_its_request_is_one_row_with_the_last_request) {
  crash_log log;
  for (const auto* request : {"1111111111111111", "2222222222222222"}) {
    auto one = number(1);
    one.request = request;
    log.add(one);
  }
  const auto rows = log.recent(10);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].times, 2U);
  EXPECT_EQ(rows[0].request, "2222222222222222");
  auto other = number(1);
  other.type = "std::bad_alloc";
  log.add(other);
  EXPECT_EQ(log.recent(10).size(), 2U) << "another type is another fault";
}

TEST_F(crash_log_test, a_full_file_becomes_the_old_one_and_both_are_bounded) {
  crash_log log({.file = file, .file_bytes_max = 1000});
  for (int i = 0; i < 100; ++i)
    log.add(number(i));
  EXPECT_LE(fs::file_size(file), 1000U);
  EXPECT_LE(fs::file_size(folder / "crashes.jsonl.1"), 1000U);
  EXPECT_NE(text(file).find("reason 99"), std::string::npos) << "the newest is in the newer file";
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 2);
}

TEST_F(crash_log_test, a_file_that_was_there_counts_too) {
  { std::ofstream(file) << std::string(990, 'x') << '\n'; }
  crash_log log({.file = file, .file_bytes_max = 1000});
  log.add(number(1));
  EXPECT_EQ(lines(file), 1U);
  EXPECT_EQ(fs::file_size(folder / "crashes.jsonl.1"), 991U);
}

TEST_F(crash_log_test, a_file_that_cannot_be_put_aside_is_begun_anew_rather_than_grow) {
  fs::create_directories(folder / "crashes.jsonl.1" / "in the way");
  crash_log log({.file = file, .file_bytes_max = 1000});
  for (int i = 0; i < 100; ++i)
    log.add(number(i));
  EXPECT_LE(fs::file_size(file), 1000U);
  EXPECT_NE(text(file).find("reason 99"), std::string::npos);
}

TEST_F(crash_log_test, a_full_disk_costs_those_lines_and_nothing_else) {
  testing::internal::CaptureStderr();
  crash_log log({.file = "/dev/full", .retry = 0ms});
  for (int i = 0; i < 50; ++i)
    log.add(number(i));
  EXPECT_EQ(log.recent(100).size(), 50U);
  const auto said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
}

TEST_F(crash_log_test, a_file_that_could_not_be_written_is_written_again_when_it_can_be) {
  fs::create_directories(file); // a folder stands where the file belongs
  testing::internal::CaptureStderr();
  crash_log log({.file = file, .retry = 0ms});
  log.add(number(1));
  fs::remove(file);
  log.add(number(2));
  log.add(number(3));
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(lines(file), 2U);
  EXPECT_EQ(log.recent(10).size(), 3U) << "memory has them all";
}

TEST_F(crash_log_test, a_file_that_fails_is_left_alone_for_a_while) {
  fs::create_directories(file);
  testing::internal::CaptureStderr();
  crash_log log({.file = file, .retry = 1h});
  log.add(number(1));
  fs::remove(file);
  log.add(number(2));
  testing::internal::GetCapturedStderr();
  EXPECT_FALSE(fs::exists(file));
}

} // namespace
} // namespace lyceum::supervision
