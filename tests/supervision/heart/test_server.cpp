// SPDX-License-Identifier: Apache-2.0
// What heart_test starts under the heart: answers one request after the other, and misbehaves on demand.
//   argv[1]  a file whose word says how this start goes: serve, die, mute (never ready), status-2, quick (ready, then dies),
//            waits (ready once a file "go" is beside it), excuse (says why, then dies)
//   argv[2]  a file that gets a line for each start: milliseconds, pid, LISTEN_FDS, NOTIFY_SOCKET
#include "supervision/heart/notify.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace {

volatile std::sig_atomic_t stop = 0;
volatile std::sig_atomic_t reloads = 0;
bool deaf_to_stop = false;
lyceum::heart::notifier notifier;
std::string folder; // of argv[1]
std::thread asking;

/// "/upgrade/usr/bin/lyceum": what comes of it stands in the file "outcome", "upgraded 4711" or why not.
void ask_upgrade(const std::string& file) {
  if (asking.joinable())
    asking.join();
  asking = std::thread([file] {
    const auto got = notifier.upgrade(file, std::chrono::seconds(20));
    std::ofstream(folder + "/outcome.new") << (got ? "upgraded " + std::to_string(*got) : got.error().detail);
    std::filesystem::rename(folder + "/outcome.new", folder + "/outcome");
  });
}

std::string answer(const std::string& asked) {
  if (asked == "/segv")
    std::signal(SIGSEGV, SIG_DFL), std::raise(SIGSEGV); // not for a sanitizer to catch
  if (asked == "/kill")
    std::raise(SIGKILL);
  if (asked == "/exit-0")
    std::_Exit(0);
  if (asked == "/hang")
    for (;;)
      pause();
  if (asked == "/hang-deaf") {
    std::signal(SIGABRT, SIG_IGN);
    for (;;)
      pause();
  }
  if (asked == "/stop") // as when an operator tells the server itself to stop
    stop = 1;
  if (asked == "/deaf")
    deaf_to_stop = true;
  if (asked.starts_with("/upgrade/"))
    ask_upgrade(asked.substr(8));
  if (asked == "/ask-again") // while another one is under way
    return notifier.upgrade("/bin/true", std::chrono::seconds(20)).error().detail;
  if (asked == "/last-death")
    return notifier.last_death();
  if (asked == "/beside")
    return std::getenv("BESIDE") ? "yes" : "no";
  if (asked == "/reloads")
    return std::to_string(reloads);
  return std::to_string(getpid());
}

void serve_one(int listening) {
  int fd = accept(listening, nullptr, nullptr);
  if (fd < 0)
    return;
  char bytes[4096];
  auto got = recv(fd, bytes, sizeof bytes, 0);
  std::string head(bytes, got > 0 ? static_cast<std::size_t>(got) : 0);
  auto from = head.find(' ');
  auto to = head.find(' ', from + 1);
  auto body = answer(to == std::string::npos ? "" : head.substr(from + 1, to - from - 1));
  auto text =
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  send(fd, text.data(), text.size(), MSG_NOSIGNAL);
  close(fd);
}

} // namespace

int main(int argc, char** argv) {
  using namespace std::chrono;
  if (argc < 3)
    return 1;
  rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  // Before anybody can know of this start: whoever reads of it may send a signal at once.
  std::signal(SIGTERM, [](int) { stop = 1; });
  std::signal(SIGINT, [](int) { stop = 1; });
  std::signal(SIGHUP, [](int) { reloads = reloads + 1; });
  std::string plan;
  std::ifstream(argv[1]) >> plan;
  const char* path = std::getenv("NOTIFY_SOCKET");
  std::ofstream(argv[2], std::ios::app) << duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count()
                                        << ' ' << getpid() << ' ' << std::getenv("LISTEN_FDS") << ' '
                                        << (path ? path : "-") << '\n';
  notifier = lyceum::heart::notifier::from_environment();
  folder = std::filesystem::path(argv[1]).parent_path();
  auto sockets = lyceum::heart::inherited_sockets();
  if (plan == "die")
    return 1;
  if (plan == "status-2")
    return 2;
  if (plan == "excuse") {
    notifier.status("there is no folder school");
    return 1;
  }
  while (plan == "waits" && !std::filesystem::exists(folder + "/go") && stop == 0)
    poll(nullptr, 0, 5);
  if (plan != "mute")
    notifier.ready();
  if (plan == "quick")
    return 1;

  auto period = static_cast<int>(notifier.beat_period().value_or(1000ms).count());
  std::vector<pollfd> waiting;
  for (const auto& each : sockets)
    waiting.push_back({each.fd, POLLIN, 0});
  auto next_beat = steady_clock::now();
  while (stop == 0 || deaf_to_stop) {
    auto ready = poll(waiting.data(), waiting.size(), period);
    for (const auto& each : waiting)
      if (ready > 0 && each.revents != 0)
        serve_one(each.fd);
    if (plan != "mute" && steady_clock::now() >= next_beat) {
      notifier.beat();
      next_beat = steady_clock::now() + milliseconds(period);
    }
  }
  notifier.stopping();
  if (asking.joinable())
    asking.join();
  return 0;
}
