// SPDX-License-Identifier: Apache-2.0
// The heart with two servers: a new one is started beside the old one, with the same sockets, and takes its place once it is
// ready. Until then nothing has happened: the old one serves, and goes on if the new one dies or takes too long.
#include "supervision/heart/guard.hpp"

#include <csignal>
#include <sys/socket.h>
#include <sys/wait.h>
#include <utility>

namespace lyceum::heart {

/// Only the server itself may ask, so what comes here is from ours; yet nothing is believed but a file's absolute name.
void guard::ask_upgrade(std::string_view file, owned_descriptor answer_to) {
  auto refuse = [&](const std::string& why) { refuse_upgrade(answer_to, why); };
  if (heir_.pid != 0)
    return refuse("another upgrade is under way (to " + heir_.program + "): wait until it is done");
  if (state_ != state::serving)
    return refuse("the server is not serving just now: try again when it does");
  if (!file.starts_with('/'))
    return refuse("the file is not named from the root on");
  if (leaving_.size() >= leaving_max)
    return refuse(std::to_string(leaving_.size()) + " former servers still drain: wait until one of them has ended");
  asker_ = std::move(answer_to);
  upgrade_ = upgrade{upgrade::state::starting, std::string(file), {}};
  std::string why;
  auto made = launch(std::string(file), true, why);
  if (!made)
    return fail_upgrade(why);
  heir_ = std::move(*made);
  say("upgrade to " + heir_.program + ": its server (pid " + std::to_string(heir_.pid) + ") starts beside the old one");
  write_state();
}

void guard::refuse_upgrade(const owned_descriptor& answer_to, const std::string& why) {
  auto line = "failed " + why;
  if (answer_to)
    send(answer_to.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  say("no upgrade: " + why);
}

/// One that drains may have taken up an operator's order a moment before.
void guard::hear_leaving(const mailbox::message& what) {
  if (value_in(what.text, "X_UPGRADE"))
    refuse_upgrade(what.attached,
                   "another server (pid " + std::to_string(server_.pid) + ") has taken its place: ask again");
}

void guard::hear_heir(const mailbox::message& what) {
  heir_.last_beat = clock::now();
  if (auto text = value_in(what.text, "STATUS"))
    heir_.status = *text;
  if (value_in(what.text, "READY") == "1" && heir_.kill_at == clock::time_point::max())
    crown();
}

/// The heir is the server from here on; the old one drains and ends.
void guard::crown() {
  auto old = std::exchange(server_, std::exchange(heir_, {}));
  server_.was_ready = true;
  server_.ready_at = server_.last_beat;
  program_ = server_.program;
  state_ = state::serving;
  backoff_.after_late_death();
  upgrade_->at = upgrade::state::done;
  write_server_pid();
  say("upgraded to " + program_ + ": pid " + std::to_string(server_.pid) + " serves, pid " + std::to_string(old.pid) +
      " drains");
  const auto before = old.pid;
  if (old.kill_at == clock::time_point::max()) // else it has its SIGABRT already
    old.kill_at = clock::now() + figures_.stop_max;
  leaving_.push_back(std::move(old));
  write_state(); // who is told may look there
  // Told before the old one is asked to end, since it is the one who passes it on.
  answer_asker("upgraded " + std::to_string(server_.pid));
  kill(before, SIGTERM);
}

void guard::heir_died(int wait_status) {
  auto gone = std::exchange(heir_, {});
  if (upgrade_->at == upgrade::state::starting)
    fail_upgrade("the new " + end_of(gone, wait_status) + ", before it was ready" +
                 (gone.status.empty() ? "" : ": " + gone.status));
}

void guard::judge_heir(clock::time_point now) {
  if (heir_.pid == 0)
    return;
  if (now >= heir_.kill_at) {
    kill(heir_.pid, SIGKILL);
    heir_.kill_at = now + figures_.kill_after;
  } else if (heir_.kill_at == clock::time_point::max() && now - heir_.started >= figures_.upgrade_max) {
    auto fault =
        "is not ready after " + seconds(figures_.upgrade_max) + (heir_.status.empty() ? "" : " (" + heir_.status + ")");
    const auto why = "the new server (pid " + std::to_string(heir_.pid) + ") " + fault;
    kill_slowly(heir_, std::move(fault));
    fail_upgrade(why);
  }
}

void guard::give_up_heir(const std::string& why) {
  if (heir_.pid == 0)
    return;
  kill(heir_.pid, SIGTERM);
  if (heir_.kill_at == clock::time_point::max())
    heir_.kill_at = clock::now() + figures_.kill_after;
  if (upgrade_->at == upgrade::state::starting)
    fail_upgrade(why);
}

void guard::fail_upgrade(const std::string& why) {
  upgrade_->at = upgrade::state::failed;
  upgrade_->detail = why;
  say("no upgrade to " + upgrade_->file + ": " + why + ". The old one serves on");
  write_state(); // who is told may look there
  answer_asker("failed " + why);
}

void guard::answer_asker(const std::string& line) {
  if (asker_)
    send(asker_.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  asker_ = owned_descriptor();
}

void guard::judge_leaving(clock::time_point now) {
  for (auto& each : leaving_)
    if (now >= each.kill_at) {
      say("a former server (pid " + std::to_string(each.pid) + ") does not end: SIGKILL");
      kill(each.pid, SIGKILL);
      each.kill_at = now + figures_.kill_after;
    }
}

void guard::reap_leaving() {
  auto count = std::erase_if(leaving_, [&](const life& each) {
    int status = 0;
    if (waitpid(each.pid, &status, WNOHANG) != each.pid)
      return false;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
      say("the former " + end_of(each, status));
    return true;
  });
  if (count > 0)
    write_state();
}

void guard::kill_leaving() const {
  for (const auto& each : leaving_)
    kill(each.pid, SIGKILL);
}

} // namespace lyceum::heart
