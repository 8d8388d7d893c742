// SPDX-License-Identifier: Apache-2.0
#include "supervision/heart/backoff.hpp"
#include "supervision/heart/notify.hpp"
#include "supervision/heart/process.hpp"
#include "supervision/heart/run_files.hpp"
#include "supervision/heart/sockets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <set>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lyceum;
using namespace lyceum::heart;
using namespace std::chrono_literals;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {

void close_all(const std::vector<listening_socket>& sockets) {
  for (const auto& each : sockets)
    close(each.fd);
}

std::string contents(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

TEST(backoff_test, the_pauses_are_those_of_the_design) {
  backoff pauses(1000ms, 30'000ms);
  std::vector<long> got;
  for (int i = 0; i < 9; ++i)
    got.push_back(pauses.after_young_death().count() / 1000);
  EXPECT_EQ(got, (std::vector<long>{0, 1, 2, 4, 8, 16, 30, 30, 30}));
  EXPECT_EQ(pauses.young_deaths(), 9);
}

TEST(backoff_test, a_server_that_had_served_starts_at_once_and_is_forgiven) {
  backoff pauses(1000ms, 30'000ms);
  for (int i = 0; i < 5; ++i)
    pauses.after_young_death();
  EXPECT_EQ(pauses.after_late_death(), 0ms);
  EXPECT_EQ(pauses.after_young_death(), 0ms);
  EXPECT_EQ(pauses.after_young_death(), 1000ms);
}

TEST(address_test, written_forms_are_read_and_written_back) {
  for (auto text : {"127.0.0.1:8080", "0.0.0.0:80", "[::1]:0", "[2001:db8::1]:65535"})
    EXPECT_EQ(parse_address(text).value().text(), text);
  EXPECT_EQ(parse_address("localhost:1").value().text(), "127.0.0.1:1");
  EXPECT_EQ(parse_address(":1").value().text(), "127.0.0.1:1");
  for (auto text : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:65536", "127.0.0.1:80x", "::1:80",
                    "[127.0.0.1]:80", "[::1:80", "school.example:80", "127.0.0.1:99999999999999999999"})
    EXPECT_FALSE(parse_address(text)) << text;
  EXPECT_TRUE(parse_address("127.8.8.8:1").value().loopback());
  EXPECT_TRUE(parse_address("[::1]:1").value().loopback());
  EXPECT_FALSE(parse_address("0.0.0.0:1").value().loopback());
}

TEST(sockets_test, port_0_gives_one_port_to_all_sockets_of_an_address) {
  auto four = open_sockets({{"127.0.0.1", 0}, {"127.0.0.1", 0}}, 3, 16);
  ASSERT_TRUE(four) << four.error().detail;
  ASSERT_EQ(four->size(), 6u);
  std::set<int> first, second;
  for (std::size_t i = 0; i < 6; ++i)
    (i < 3 ? first : second).insert((*four)[i].bound.port);
  EXPECT_EQ(first.size(), 1u);
  EXPECT_EQ(second.size(), 1u);
  EXPECT_NE(*first.begin(), 0);
  EXPECT_NE(first, second);
  for (const auto& each : *four)
    EXPECT_TRUE(fcntl(each.fd, F_GETFD) & FD_CLOEXEC);
  close_all(*four);
}

TEST(sockets_test, a_used_port_is_refused_even_where_it_may_be_shared) {
  for (std::size_t each : {1u, 2u}) {
    auto held = open_sockets({{"127.0.0.1", 0}}, each, 16);
    ASSERT_TRUE(held);
    for (std::size_t others : {1u, 2u}) {
      auto again = open_sockets({held->front().bound}, others, 16);
      ASSERT_FALSE(again) << each << " and " << others;
      EXPECT_EQ(again.error().what, problem::kind::conflict);
      EXPECT_THAT(again.error().detail, HasSubstr("in use"));
    }
    close_all(*held);
  }
}

TEST(sockets_test, an_address_of_nobody_is_refused) {
  auto got = open_sockets({{"192.0.2.1", 0}}, 1, 16);
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().detail, HasSubstr("no interface"));
}

TEST(sockets_test, ipv6_and_ipv4_may_have_the_same_port) {
  auto six = open_sockets({{"::1", 0}}, 2, 16);
  if (!six)
    GTEST_SKIP() << "this machine has no IPv6: " << six.error().detail;
  EXPECT_EQ(six->front().bound.host, "::1");
  auto wild = open_sockets({{"::", 0}}, 2, 16);
  ASSERT_TRUE(wild);
  auto four = open_sockets({{"0.0.0.0", wild->front().bound.port}}, 2, 16);
  EXPECT_TRUE(four) << four.error().detail;
  close_all(*six);
  close_all(*wild);
  if (four)
    close_all(*four);
}

TEST(notify_test, nobody_listens_nobody_is_told) {
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_USEC");
  auto nobody = notifier::from_environment();
  EXPECT_FALSE(nobody.listened_to());
  EXPECT_FALSE(nobody.ready());
  EXPECT_FALSE(nobody.beat_period());
}

TEST(notify_test, systemds_socket_gets_the_words_and_the_variables_are_gone) {
  auto path = testing::TempDir() + "notify-" + std::to_string(getpid());
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  setenv("WATCHDOG_USEC", "30000000", 1);
  auto told = notifier::from_environment();
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
  EXPECT_EQ(told.beat_period(), 1000ms);
  EXPECT_TRUE(told.status("two\nREADY=1"));
  char bytes[64] = {};
  EXPECT_GT(recv(fd, bytes, sizeof bytes - 1, 0), 0);
  EXPECT_STREQ(bytes, "STATUS=two") << "a line break must not smuggle a second assignment";
  close(fd);
  unlink(path.c_str());
  EXPECT_FALSE(told.beat()) << "the listener is gone, and that must not block or kill";
}

TEST(notify_test, a_watchdog_of_another_process_is_not_ours) {
  setenv("NOTIFY_SOCKET", "@nobody-is-here", 1);
  setenv("WATCHDOG_USEC", "1000000", 1);
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_FALSE(notifier::from_environment().beat_period());
  setenv("NOTIFY_SOCKET", "@nobody-is-here", 1);
  setenv("WATCHDOG_USEC", "1000000", 1);
  EXPECT_EQ(notifier::from_environment().beat_period(), 200ms);
}

TEST(notify_test, sockets_passed_to_another_process_are_not_ours) {
  setenv("LISTEN_FDS", "1", 1);
  setenv("LISTEN_PID", "1", 1);
  EXPECT_TRUE(inherited_sockets().empty());
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr);
}

TEST(process_test, a_program_that_is_not_there_is_an_error_and_no_process) {
  std::vector<listening_socket> none;
  auto got = start_process({{"/nonexistent/lyceum"}, {}, none});
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().detail, HasSubstr("cannot execute /nonexistent/lyceum"));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
}

TEST(process_test, sockets_arrive_in_order_from_3_on_and_nothing_else_does) {
  auto sockets = open_sockets({{"127.0.0.1", 0}}, 3, 16);
  ASSERT_TRUE(sockets);
  std::reverse(sockets->begin(), sockets->end()); // so that source and place overlap crosswise
  auto file = testing::TempDir() + "fds-" + std::to_string(getpid());
  auto child =
      start_process({{"/bin/sh", "-c",
                      "ls -l /proc/$$/fd >" + file + "; echo $LISTEN_PID $$ $LISTEN_FDS $LISTEN_FDNAMES $A >>" + file},
                     {"A=b"},
                     *sockets});
  ASSERT_TRUE(child) << child.error().detail;
  int status = 0;
  waitpid(*child, &status, 0);
  auto text = contents(file);
  auto pid = std::to_string(*child);
  EXPECT_THAT(text, HasSubstr(pid + " " + pid + " 3 http:http:http b"));
  for (int i = 0; i < 3; ++i) {
    auto inode =
        fs::read_symlink("/proc/self/fd/" + std::to_string((*sockets)[static_cast<std::size_t>(i)].fd)).string();
    EXPECT_THAT(text, HasSubstr(std::to_string(3 + i) + " -> " + inode));
  }
  close_all(*sockets);
  fs::remove(file);
}

TEST(process_test, ends_are_told_in_words) {
  EXPECT_EQ(describe_end(SIGSEGV), "was killed by SIGSEGV");
  EXPECT_EQ(describe_end(SIGABRT | 0x80), "was killed by SIGABRT (core dumped)");
  EXPECT_EQ(describe_end(3 << 8), "exited with status 3");
}

TEST(run_files_test, a_file_is_replaced_whole_and_leaves_nothing_beside_it) {
  auto folder = fs::path(testing::TempDir()) / ("run-" + std::to_string(getpid()));
  ASSERT_TRUE(make_run_dir(folder / "deep"));
  EXPECT_TRUE(replace_file(folder / "deep/a", "one"));
  EXPECT_TRUE(replace_file(folder / "deep/a", "two"));
  EXPECT_EQ(contents(folder / "deep/a"), "two");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "deep"), {}), 1);
  EXPECT_FALSE(replace_file(folder / "none/a", "x"));
  std::ofstream(folder / "file") << "";
  auto made = make_run_dir(folder / "file/run");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().detail, HasSubstr("--data"));
  fs::remove_all(folder);
}

TEST(run_files_test, addresses_are_listed_once) {
  EXPECT_EQ(listen_json({{"127.0.0.1", 80}, {"127.0.0.1", 80}, {"::1", 81}}),
            "{\"listen\": [\"127.0.0.1:80\", \"[::1]:81\"]}\n");
  EXPECT_EQ(json_string("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
}

TEST(run_files_test, one_heart_holds_the_lock) {
  auto folder = fs::path(testing::TempDir()) / ("lock-" + std::to_string(getpid()));
  ASSERT_TRUE(make_run_dir(folder));
  replace_file(folder / "heart.pid", "4711\n");
  {
    auto first = run_lock::take(folder);
    ASSERT_TRUE(first);
    auto second = run_lock::take(folder);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().detail, HasSubstr("4711"));
  }
  EXPECT_TRUE(run_lock::take(folder));
  fs::remove_all(folder);
}
