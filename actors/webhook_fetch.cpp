// SPDX-License-Identifier: Apache-2.0
#include "actors/webhook_fetch.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

namespace lyceum {
namespace {

struct clean_up {
  void operator()(CURL* c) const { curl_easy_cleanup(c); }
};

struct arriving {
  std::string octets;
  std::size_t most;
  const std::atomic<bool>& stop;
};

std::size_t take(char* octets, std::size_t size, std::size_t count, void* to) {
  auto& all = *static_cast<arriving*>(to);
  if (all.octets.size() + size * count > all.most)
    return 0; // ends the transfer
  all.octets.append(octets, size * count);
  return size * count;
}
int look_at_stop(void* of, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<arriving*>(of)->stop ? 1 : 0;
}

} // namespace

expected<std::string> fetch_https(const std::string& url, const fetch_limits& limits, const std::atomic<bool>& stop) {
  const std::unique_ptr<CURL, clean_up> easy(curl_easy_init());
  if (!easy)
    return fail(problem::kind::unavailable, "no memory");
  arriving all{{}, limits.bytes_max, stop};
  CURL* c = easy.get();
  curl_easy_setopt(c, CURLOPT_URL, url.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(c, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.all.count()));
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, &take);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &all);
  curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, &look_at_stop);
  curl_easy_setopt(c, CURLOPT_XFERINFODATA, &all);
  if (!limits.ca_file.empty())
    curl_easy_setopt(c, CURLOPT_CAINFO, limits.ca_file.c_str());
  if (const auto code = curl_easy_perform(c); code != CURLE_OK)
    return fail(problem::kind::unavailable, curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200)
    return fail(problem::kind::unavailable, "it answered " + std::to_string(status));
  return std::move(all.octets);
}

expected<std::string> kept_certificates::get(const std::string& url, const fetcher& fetch, clock::time_point now) {
  const std::lock_guard lock(guard_);
  std::erase_if(kept_, [&](const entry& one) { return one.until <= now; });
  if (const auto found = std::ranges::find(kept_, url, &entry::url); found != kept_.end()) {
    std::rotate(kept_.begin(), found, found + 1);
    return kept_.front().text;
  }
  while (!fetched_.empty() && now - fetched_.front() >= std::chrono::minutes(1))
    fetched_.pop_front();
  if (fetched_.size() >= fetches_a_minute)
    return fail(problem::kind::unavailable, "too many certificates were asked for");
  fetched_.push_back(now);
  auto got = fetch(url);
  if (!got)
    return got;
  kept_.push_front({url, *got, now + life});
  if (kept_.size() > kept_max)
    kept_.pop_back();
  return got;
}

std::size_t kept_certificates::size() const {
  const std::lock_guard lock(guard_);
  return kept_.size();
}

} // namespace lyceum
