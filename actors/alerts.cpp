// SPDX-License-Identifier: Apache-2.0
#include "actors/alerts.hpp"

#include "supervision/child.hpp"

#include <boost/json.hpp>
#include <curl/curl.h>
#include <fmt/format.h>

#include <deque>
#include <memory>
#include <utility>

namespace lyceum {
namespace {

struct clean_up {
  void operator()(CURL* c) const { curl_easy_cleanup(c); }
  void operator()(curl_slist* l) const { curl_slist_free_all(l); }
};

std::size_t read_nothing(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}
int look_at_stop(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<std::atomic<bool>*>(stop) ? 1 : 0;
}

/// Empty: it was taken. Else why not, without the URL.
std::string post(const std::string& url, const std::string& body, std::atomic<bool>& stop) {
  const std::unique_ptr<CURL, clean_up> easy(curl_easy_init());
  const std::unique_ptr<curl_slist, clean_up> headers(curl_slist_append(nullptr, "Content-Type: application/json"));
  if (!easy || !headers)
    return "no memory";
  CURL* c = easy.get();
  curl_easy_setopt(c, CURLOPT_URL, url.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http"); // http: only to this machine, as the configuration has it
  curl_easy_setopt(c, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, &read_nothing);
  curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, static_cast<long>(std::chrono::milliseconds(alert_post_max).count()));
  curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, &look_at_stop);
  curl_easy_setopt(c, CURLOPT_XFERINFODATA, &stop);
  if (const auto code = curl_easy_perform(c); code != CURLE_OK)
    return curl_easy_strerror(code);
  long status = 0;
  curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
  return status >= 200 && status < 300 ? "" : fmt::format("it answered {}", status);
}

/// What waits for the webhook.
class post_box {
public:
  post_box(caf::event_based_actor* self, alert_options& options) : self_(self), options_(options) {
    options_.stop = false;
  }

  std::string summary() const { return fmt::format(R"({{"waiting":{},"posted":{}}})", waiting_.size(), posted_); }

  void add(alert what) {
    if (options_.webhook.empty())
      return;
    if (waiting_.size() == alerts_max) {
      lost("too many wait");
      waiting_.pop_front();
      tries_ = 0;
    }
    waiting_.push_back(std::move(what));
    if (!std::exchange(ticking_, true))
      self_->send(self_, tick_atom::value);
  }

  void turn() {
    ticking_ = false;
    if (waiting_.empty())
      return;
    const auto wrong = post(options_.webhook, alert_json(waiting_.front(), options_.site), options_.stop);
    auto pause = std::chrono::milliseconds{0};
    if (wrong.empty()) {
      ++posted_;
    } else if (++tries_ < alert_tries) {
      pause = options_.retry_first * (1 << (tries_ - 1));
    } else {
      lost(wrong);
    }
    if (pause.count() == 0) {
      waiting_.pop_front();
      tries_ = 0;
    }
    ticking_ = !waiting_.empty();
    if (ticking_)
      self_->delayed_send(self_, pause, tick_atom::value);
  }

private:
  void lost(const std::string& why) {
    if (options_.warn)
      options_.warn(fmt::format("an alert did not reach alert_webhook ({}): {}", why, waiting_.front().detail));
  }

  caf::event_based_actor* self_;
  alert_options& options_;
  std::deque<alert> waiting_;
  int tries_ = 0; // of the first one
  bool ticking_ = false;
  std::uint64_t posted_ = 0;
};

} // namespace

std::string alert_json(const alert& what, const std::string& site) {
  return boost::json::serialize(boost::json::object{{"alert", what.what},
                                                    {"state", what.raised ? "raised" : "resolved"},
                                                    {"at", utc_text(what.at)},
                                                    {"site", site},
                                                    {"detail", what.detail}});
}

caf::behavior alerts(caf::event_based_actor* self, alert_options* options) {
  auto box = std::make_shared<post_box>(self, *options);
  supervision::on_inspect(self, [box] { return box->summary(); });
  return {
      [box](alert& what) { box->add(std::move(what)); },
      [box](tick_atom) { box->turn(); },
  };
}

} // namespace lyceum
