// SPDX-License-Identifier: Apache-2.0
#include "actors/webhook_actor.hpp"

#include "actors/db_pool.hpp"
#include "storage/outbox.hpp"
#include "supervision/child.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <utility>

namespace lyceum {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds warn_pause{30}; // strangers may post as often as they like

response plain(int status, std::string text) {
  response made;
  made.status = status;
  made.content_type = "text/plain; charset=utf-8";
  made.body = std::move(text) + "\n";
  return made;
}
response later() {
  return answer_for({problem::kind::unavailable, {}, std::chrono::seconds(20)});
}

std::string summary(const webhook_desk& desk) {
  const auto seen = desk.seen();
  return json::serialize(
      json::object{{"topic", desk.topic},
                   {"subscription", seen.subscription.empty() ? "nothing was heard of one" : seen.subscription},
                   {"heard", seen.heard},
                   {"refused", seen.refused},
                   {"ignored", seen.ignored},
                   {"suppressed", seen.suppressed},
                   {"last_refusal", seen.last_refusal},
                   {"certificates", desk.certificates.size()}});
}

void write_down(supervision::system& tree, webhook_desk& desk, std::vector<mail_report> reports, webhook_post post) {
  const auto shared = std::make_shared<webhook_post>(std::move(post));
  submit(tree, std::make_shared<db_task>(
                   db_use::writes,
                   [&desk, reports = std::move(reports), shared](storage::db& db) {
                     db.transaction([&] {
                       for (const auto& one : reports)
                         storage::outbox::suppress(db, one.recipient, one.kind, one.detail, now_utc());
                     });
                     desk.note([&](webhook_desk::tally& all) { all.suppressed += reports.size(); });
                     shared->reply->fulfil(plain(200, "noted"));
                   },
                   [shared](const problem&, bool) { shared->reply->fulfil(later()); }));
}

} // namespace

caf::behavior webhook_listener(caf::event_based_actor* self, webhook_desk* desk, supervision::system* tree) {
  desk->stop = false;
  supervision::on_inspect(self, [desk] { return summary(*desk); });
  const auto warned = std::make_shared<std::chrono::steady_clock::time_point>();
  return {[desk, tree, warned](webhook_post& came) {
    auto post = std::move(came);
    auto got = judge_webhook(*desk, post.body, now_utc());
    desk->note([&](webhook_desk::tally& all) {
      ++all.heard;
      all.refused += got.status == 200 ? 0 : 1;
      all.ignored += got.status == 200 && got.reports.empty() ? 1 : 0;
      if (got.status != 200)
        all.last_refusal = got.why;
    });
    const auto now = std::chrono::steady_clock::now();
    if (!got.why.empty() && desk->warn && now >= *warned) {
      desk->warn("webhook: " + got.why);
      *warned = now + warn_pause;
    }
    if (!got.reports.empty())
      return write_down(*tree, *desk, std::move(got.reports), std::move(post));
    post.reply->fulfil(got.status == 503 ? later() : plain(got.status, got.status == 200 ? "heard" : "refused"));
  }};
}

void hear(supervision::system& tree, webhook_desk& desk, std::string body, reply_ptr reply) {
  if (desk.at_hand.fetch_add(1) >= webhook_desk::at_hand_max) {
    desk.at_hand.fetch_sub(1);
    reply->fulfil(later());
    return;
  }
  const std::shared_ptr<void> place(&desk, [](webhook_desk* of) { of->at_hand.fetch_sub(1); });
  supervision::tell(tree.named("mail/feedback"), webhook_post{std::move(body), std::move(reply), place});
}

} // namespace lyceum
