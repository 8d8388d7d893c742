// SPDX-License-Identifier: Apache-2.0
// What operators and developers see of mail, and do to it.
#include "tests/site/mail_school.hpp"

#include <algorithm>
#include <mutex>
#include <thread>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lyceum::testing {
namespace {

using mail_operating = mail_school;
WITH_MAIL_ON_BOTH_ENGINES(mail_operating);

TEST_P(mail_operating, a_developer_reads_what_was_kept_follows_its_link_and_clears_it) {
  start_school(0);
  EXPECT_THAT(school->get("/dev/mailbox").body, HasSubstr("No mail yet"));
  const auto one = put("ann");
  const auto two = put("eve");
  ASSERT_TRUE(becomes(one, mail_state::sent) && becomes(two, mail_state::sent));
  const auto box = school->get("/dev/mailbox");
  ASSERT_EQ(box.status, 200) << box.head;
  EXPECT_EQ(box.field("Refresh"), "3") << "it looks again without a script";
  EXPECT_EQ(box.field("Content-Type"), "text/html; charset=utf-8");
  const auto at = [&](id number) { return "/dev/mailbox/" + std::to_string(number); };
  EXPECT_THAT(box.body, HasSubstr("href=\"" + at(one) + "\""));
  EXPECT_THAT(box.body, HasSubstr("to eve@example.com"));
  const auto page = school->get(at(one));
  ASSERT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<a href=\"http://localhost/courses\">"));
  EXPECT_THAT(page.body, HasSubstr("<iframe src=\"" + at(one) + "/html\""));
  EXPECT_THAT(page.body, HasSubstr("Message-ID: " + std::string("&lt;")));
  EXPECT_THAT(page.field("Content-Security-Policy"), HasSubstr("frame-src 'self'"));
  const auto html = school->get(at(one) + "/html");
  EXPECT_THAT(html.body, HasSubstr("<p>Hello <a href"));
  EXPECT_THAT(html.field("Content-Security-Policy"), HasSubstr("sandbox"));
  EXPECT_THAT(html.field("Content-Security-Policy"), Not(HasSubstr("script-src")));

  for (const auto* away :
       {"/dev/mailbox/1", "/dev/mailbox/x", "/dev/mailbox/1/html", "/dev/mailbox/99999999999999999999"})
    EXPECT_EQ(school->get(away).status, 404) << away;
  for (const auto& path : {std::string("/dev/mailbox"), at(one), at(one) + "/html"}) {
    EXPECT_EQ(school->get(path, {"X-Forwarded-For: 192.0.2.7"}).status, 404) << "somebody behind a proxy";
    client stranger(school->port());
    EXPECT_EQ(stranger.ask("GET " + path + " HTTP/1.1\r\nHost: school.example\r\n\r\n").status, 404);
  }

  const auto post = [&](const std::string& more) {
    client somebody(school->port());
    const auto here = "127.0.0.1:" + std::to_string(school->port());
    return somebody.ask("POST /dev/mailbox/clearing HTTP/1.1\r\nHost: " + here + "\r\n" + more +
                        "Content-Length: 0\r\n\r\n");
  };
  EXPECT_EQ(post("Origin: http://127.0.0.1:1\r\n").status, 403) << "another site of this machine";
  EXPECT_EQ(post("Sec-Fetch-Site: cross-site\r\n").status, 403);
  EXPECT_EQ(school->get(at(one)).status, 200);
  EXPECT_EQ(post("").status, 303);
  EXPECT_EQ(school->get(at(one)).status, 404);
}

TEST_P(mail_operating, there_is_no_such_mailbox_where_mail_is_sent_or_held) {
  start_host();
  start_school(host->port());
  EXPECT_EQ(school->get("/dev/mailbox").status, 404);
  school.reset();
  start_school(0, {"--base-url", "https://school.example"});
  EXPECT_EQ(school->get("/dev/mailbox").status, 404);
}

TEST_P(mail_operating, what_is_paused_waits_until_it_is_resumed_and_the_rest_goes_on) {
  start_host();
  start_school(host->port());
  ASSERT_EQ(school->ctl({"mail", "pause", "newsletter"}).status, 0);
  const auto held = put("ann", "newsletter");
  const auto other = put("ann");
  EXPECT_TRUE(becomes(other, mail_state::sent));
  std::this_thread::sleep_for(1500ms);
  EXPECT_EQ(shown(held).state, mail_state::queued);
  EXPECT_THAT(school->ctl({"mail"}).out, HasSubstr("newsletter"));
  ASSERT_EQ(school->ctl({"mail", "pause"}).status, 0);
  ASSERT_EQ(school->ctl({"mail", "resume", "newsletter"}).status, 0);
  std::this_thread::sleep_for(1500ms);
  EXPECT_EQ(shown(held).state, mail_state::queued) << "all mail is paused as well";
  ASSERT_EQ(school->ctl({"mail", "resume"}).status, 0);
  EXPECT_TRUE(becomes(held, mail_state::sent));
  const auto twice = school->ctl({"mail", "resume"});
  EXPECT_EQ(twice.status, 1);
  EXPECT_THAT(twice.err, HasSubstr("not paused"));
}

TEST_P(mail_operating, operators_see_retry_and_drop_mails) {
  start_host();
  start_school(host->port());
  const auto full = put("full");
  const auto spam = put("spam");
  const auto ann = put("ann");
  ASSERT_TRUE(becomes(full, mail_state::deferred) && becomes(spam, mail_state::failed) &&
              becomes(ann, mail_state::sent));
  const auto number = [](id one) { return std::to_string(one); };

  const auto failed = school->ctl({"mail", "list", "--state", "failed"}).out;
  EXPECT_THAT(failed, HasSubstr("spam@example.com"));
  EXPECT_THAT(failed, Not(HasSubstr("full@example.com")));
  EXPECT_THAT(school->ctl({"mail", "list", "--to=ann@example.com"}).out, HasSubstr(number(ann)));
  EXPECT_EQ(school->ctl({"mail", "list", "--before", number(std::min({full, spam, ann}))}).out, "nothing\n");
  const auto page = school->ctl({"--json", "mail", "list", "--limit", "2"}).out;
  EXPECT_EQ(std::count(page.begin(), page.end(), '{'), 2) << page;

  const auto one = school->ctl({"mail", "show", number(full)}).out;
  EXPECT_THAT(one, HasSubstr("452 4.2.2 mailbox full"));
  EXPECT_THAT(one, Not(HasSubstr("\"for\""))) << "what it says is not shown";

  EXPECT_EQ(school->ctl({"mail", "retry", number(ann)}).status, 1) << "it was sent";
  ASSERT_EQ(school->ctl({"mail", "retry", number(full)}).status, 0);
  EXPECT_TRUE(eventually([&] { return shown(full).state == mail_state::deferred && shown(full).tries == 1; }));
  ASSERT_EQ(school->ctl({"mail", "retry", "--failed", "receipt"}).status, 0);
  EXPECT_TRUE(eventually([&] { return shown(spam).state == mail_state::failed && !shown(spam).reason.empty(); }));

  EXPECT_EQ(school->ctl({"mail", "drop", number(full)}).status, 2) << "not without --yes";
  EXPECT_EQ(shown(full).state, mail_state::deferred);
  ASSERT_EQ(school->ctl({"mail", "drop", "--yes", number(full)}).status, 0);
  EXPECT_EQ(shown(full).state, mail_state::failed);
  EXPECT_EQ(school->ctl({"mail", "retry", number(full)}).status, 1) << "what it said is gone";
  EXPECT_EQ(school->ctl({"mail", "show", "1"}).status, 1);

  ASSERT_EQ(school->ctl({"mail", "suppressed", "add", "Eve@example.com"}).status, 0);
  EXPECT_THAT(school->ctl({"mail", "suppressed", "list"}).out, HasSubstr("eve@example.com"));
  EXPECT_EQ(shown(put("eve")).state, mail_state::suppressed);
  ASSERT_EQ(school->ctl({"mail", "suppressed", "remove", "eve@example.com"}).status, 0);
  EXPECT_EQ(school->ctl({"mail", "suppressed", "remove", "eve@example.com"}).status, 1);

  const auto audit = school->ctl({"audit", "50"}).out;
  EXPECT_THAT(audit, HasSubstr("drop " + number(full)));
  EXPECT_THAT(audit, HasSubstr("list --state failed")) << "who looked at whose mail is known";
}

TEST_P(mail_operating, figures_tell_what_waits_and_how_deliveries_end) {
  start_host();
  start_school(host->port());
  put("ann");
  put("spam");
  put("full");
  const auto figure = [&](const char* name) { return school->metric(name).value_or(-1); };
  EXPECT_TRUE(eventually([&] { return figure("lyceum_mail_deliveries_total{result=\"sent\"}") == 1; }));
  EXPECT_TRUE(eventually([&] { return figure("lyceum_mail_deliveries_total{result=\"refused\"}") == 1; }));
  EXPECT_TRUE(eventually([&] { return figure("lyceum_mail_delivery_duration_seconds_count") == 3; }));
  EXPECT_TRUE(eventually([&] { return figure("lyceum_mails{template=\"receipt\",state=\"deferred\"}") == 1; },
                         10s)); // counted each 5 s
  EXPECT_TRUE(eventually([&] { return figure("lyceum_mails{template=\"receipt\",state=\"sent\"}") == 1; }, 10s));
  EXPECT_TRUE(eventually([&] { return figure("lyceum_mail_oldest_waiting_seconds") == 0; }, 10s))
      << "its recipient's host puts one off";
  EXPECT_EQ(figure("lyceum_mail_delivering"), 1);
  ASSERT_EQ(school->ctl({"mail", "pause"}).status, 0);
  put("eve");
  EXPECT_TRUE(eventually([&] { return figure("lyceum_mail_oldest_waiting_seconds") > 0; }, 10s));
  ASSERT_EQ(school->ctl({"mail", "resume"}).status, 0);
}

/// Takes POSTs on a free port of loopback; answers the first with 500, the others with 204.
class webhook {
public:
  webhook() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(fd_, 8) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
      throw std::runtime_error("no port left");
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] {
      for (int one = 0; (one = ::accept(fd_, nullptr, nullptr)) >= 0; ::close(one))
        take(one);
    });
  }
  ~webhook() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  webhook(const webhook&) = delete;
  webhook& operator=(const webhook&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/hook"; }
  std::vector<std::string> posts() const {
    const std::lock_guard lock(guard_);
    return posts_;
  }

private:
  void take(int one) {
    std::string all;
    char bytes[4096];
    for (ssize_t n = 0; all.empty() || all.back() != '}';) {
      if ((n = ::recv(one, bytes, sizeof bytes, 0)) <= 0)
        return;
      all.append(bytes, static_cast<std::size_t>(n));
    }
    bool first = false;
    {
      const std::lock_guard lock(guard_);
      first = posts_.empty();
      posts_.push_back(all);
    }
    const std::string answer =
        first ? "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" : "HTTP/1.1 204 Fine\r\nContent-Length: 0\r\n\r\n";
    std::ignore = ::send(one, answer.data(), answer.size(), MSG_NOSIGNAL);
  }

  int fd_;
  int port_ = 0;
  mutable std::mutex guard_;
  std::vector<std::string> posts_;
  std::thread thread_;
};

TEST_P(mail_operating, a_mail_that_is_late_raises_an_alert_once_and_resolves_it) {
  webhook hook;
  start_host();
  start_school(host->port(), {}, {"LYCEUM_ALERT_WEBHOOK=" + hook.url()});
  ASSERT_EQ(school->ctl({"mail", "pause"}).status, 0);
  const mail_draft what{
      .recipient = "ann@example.com", .template_name = "receipt", .cause = "payment:1", .language = "en"};
  db->transaction([&] { std::ignore = out::put(*db, what, "school.example", now_utc() - 21min).value(); });
  ASSERT_TRUE(eventually([&] { return hook.posts().size() == 2; }, 15s)) << school->log(); // the first was answered 500
  const auto raised = hook.posts().at(1);
  EXPECT_THAT(raised, HasSubstr("Content-Type: application/json"));
  EXPECT_THAT(raised, HasSubstr(R"("alert":"mail_late","state":"raised")"));
  EXPECT_THAT(raised, HasSubstr("the oldest mail waits since"));
  EXPECT_THAT(raised, HasSubstr("all mail is paused"));
  EXPECT_THAT(raised, Not(HasSubstr("ann@example.com")));
  EXPECT_THAT(health(), HasSubstr("(21 min)"));
  EXPECT_THAT(school->log(), HasSubstr("mail is late: the oldest mail waits since"));
  EXPECT_THAT(school->log(), Not(HasSubstr("/hook"))) << "its path may be a password";
  EXPECT_EQ(school->ctl({"kill", "mail"}).status, 0);
  std::this_thread::sleep_for(6s);
  EXPECT_EQ(hook.posts().size(), 2u) << "it is told once, whoever is killed";
  ASSERT_EQ(school->ctl({"mail", "resume"}).status, 0);
  ASSERT_TRUE(eventually([&] { return hook.posts().size() == 3; }, 15s)) << school->log();
  EXPECT_THAT(hook.posts().at(2), HasSubstr(R"("alert":"mail_late","state":"resolved")"));
  EXPECT_TRUE(eventually([&] { return school->ctl({"health"}).status == 0; })) << health();
}

} // namespace
} // namespace lyceum::testing
