// SPDX-License-Identifier: Apache-2.0
// The transfer runs under curl_multi, whose poll another thread can wake. Every ending before the last octet goes through a callback:
// removing an easy handle in mid-text makes libcurl 7.88 write the final dot, and half a mail would arrive.
#include "actors/smtp.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <curl/curl.h>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace lyceum {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds poll_max{250};
constexpr milliseconds tick_every{1000};
// libcurl's own deadlines stand behind ours, in case one of ours is not looked at.
constexpr milliseconds backstop{10'000};

struct clean_up_easy {
  void operator()(CURL* c) const { curl_easy_cleanup(c); }
};
struct clean_up_multi {
  void operator()(CURLM* m) const { curl_multi_cleanup(m); }
};
struct free_list {
  void operator()(curl_slist* l) const { curl_slist_free_all(l); }
};

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
         });
}

bool is_ipv6(std::string_view text) {
  return text.find(':') != std::string_view::npos &&
         text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string url_of(const smtp_relay& to) {
  const std::string scheme = to.tls == smtp_tls::implicit ? "smtps://" : "smtp://";
  const std::string host = is_ipv6(to.host) ? "[" + to.host + "]" : to.host;
  return scheme + host + ":" + std::to_string(to.port) + "/" + to.hello_name;
}

smtp_end end_of(CURLcode code) {
  switch (code) {
  case CURLE_COULDNT_RESOLVE_HOST:
    return smtp_end::no_address;
  case CURLE_COULDNT_CONNECT:
    return smtp_end::no_connection;
  case CURLE_USE_SSL_FAILED:
    return smtp_end::no_tls;
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CIPHER:
    return smtp_end::bad_tls;
  case CURLE_LOGIN_DENIED:
    return smtp_end::bad_log_in;
  case CURLE_OPERATION_TIMEDOUT:
    return smtp_end::late;
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_GOT_NOTHING:
  case CURLE_WEIRD_SERVER_REPLY:
    return smtp_end::cut;
  default:
    return smtp_end::broken;
  }
}

class curl_smtp final : public smtp {
public:
  curl_smtp(const smtp_relay& to, const smtp_waits& waits) : relay_(to), waits_(waits) {
    static std::once_flag once;
    std::call_once(once, [] {
      if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        throw std::runtime_error("libcurl cannot be set up");
    });
    multi_.reset(curl_multi_init());
    easy_.reset(curl_easy_init());
    if (!multi_ || !easy_)
      throw std::bad_alloc();
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, 1L);
    set_up();
  }
  ~curl_smtp() override { hang_up(); }

  delivery deliver(const smtp_letter& letter, const smtp_watch& watch) override {
    if (!is_mail_address(letter.to) || !is_mail_address(letter.from))
      return {delivery::result::refused,
              "no address: " + std::string(is_mail_address(letter.to) ? "the sender's" : "the recipient's")};
    if (mails_ >= smtp_mails_per_connection)
      hang_up();
    const auto until = clock::now() + waits_.all;
    try_once(letter, watch, until);
    // A connection kept from before that is dead now has not heard of this mail.
    const bool was_dead = code_ != CURLE_OK && !stopped_ && kept_ && (!told_.heard_anything() || told_.code() == 421) &&
                          told_.step() <= smtp_step::sender;
    if (was_dead) {
      hang_up();
      try_once(letter, watch, until);
    }
    if (thrown_)
      std::rethrow_exception(std::exchange(thrown_, nullptr));
    if (code_ == CURLE_OK) {
      ++mails_;
      return {delivery::result::sent, told_.reply()};
    }
    mails_ = 0;
    const smtp_end how = stopped_.value_or(end_of(code_));
    const std::string_view detail = why_[0] != '\0' ? why_.data() : curl_easy_strerror(code_);
    return judged(told_, how, relay_.host + ":" + std::to_string(relay_.port), letter.to, stopped_ ? "" : detail);
  }

  void interrupt() noexcept override {
    interrupted_ = true;
    curl_multi_wakeup(multi_.get());
  }

private:
  template <class T>
  void set(CURLoption option, T value) {
    if (const CURLcode code = curl_easy_setopt(easy_.get(), option, value); code != CURLE_OK)
      throw std::runtime_error(std::string("libcurl lacks what we need of it: ") + curl_easy_strerror(code));
  }

  void set_up() {
    set(CURLOPT_URL, url_of(relay_).c_str());
    set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set(CURLOPT_PROXY, ""); // whatever the environment says
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);
    set(CURLOPT_USE_SSL, static_cast<long>(relay_.tls == smtp_tls::none ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!relay_.ca_file.empty()) {
      set(CURLOPT_CAINFO, relay_.ca_file.c_str());
      set(CURLOPT_CAPATH, nullptr);
    }
    if (!relay_.user.empty()) {
      set(CURLOPT_USERNAME, relay_.user.c_str());
      set(CURLOPT_PASSWORD, relay_.password.c_str());
      set(CURLOPT_LOGIN_OPTIONS, relay_.log_in == smtp_log_in::plain ? "AUTH=PLAIN" : "AUTH=LOGIN");
    }
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>((waits_.all + backstop).count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>((waits_.all + backstop).count()));
    const auto reply = std::max({waits_.greeting, waits_.step, waits_.last}) + backstop;
    set(CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(std::chrono::ceil<std::chrono::seconds>(reply).count()));
    set(CURLOPT_MAXAGE_CONN, static_cast<long>(smtp_rest_max.count()));
    // The text's length stays unknown to libcurl: told one, 7.88 may end the text where that many octets are out, stuffed dots counted.
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, &curl_smtp::on_read);
    set(CURLOPT_READDATA, this);
    set(CURLOPT_WRITEFUNCTION, &curl_smtp::on_write);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &curl_smtp::on_progress);
    set(CURLOPT_XFERINFODATA, this);
    set(CURLOPT_VERBOSE, 1L);
    set(CURLOPT_DEBUGFUNCTION, &curl_smtp::on_debug);
    set(CURLOPT_DEBUGDATA, this);
    set(CURLOPT_OPENSOCKETFUNCTION, &curl_smtp::on_open);
    set(CURLOPT_OPENSOCKETDATA, this);
    set(CURLOPT_CLOSESOCKETFUNCTION, &curl_smtp::on_close);
    set(CURLOPT_CLOSESOCKETDATA, this);
    set(CURLOPT_ERRORBUFFER, why_.data());
  }

  void try_once(const smtp_letter& letter, const smtp_watch& watch, clock::time_point until) {
    told_ = {};
    stopped_.reset();
    text_ = letter.text;
    text_begun_ = false;
    watch_ = &watch;
    until_ = until;
    heard_at_ = ticked_at_ = clock::now();
    kept_ = mails_ > 0 && !sockets_.empty();
    why_.fill('\0');
    const std::string from = "<" + std::string(letter.from) + ">";
    const std::string to = "<" + std::string(letter.to) + ">";
    const std::unique_ptr<curl_slist, free_list> recipients(curl_slist_append(nullptr, to.c_str()));
    set(CURLOPT_MAIL_FROM, from.c_str());
    set(CURLOPT_MAIL_RCPT, recipients.get());
    curl_multi_add_handle(multi_.get(), easy_.get());
    code_ = transfer();
    curl_multi_remove_handle(multi_.get(), easy_.get());
    set(CURLOPT_MAIL_RCPT, nullptr);
    if (code_ != CURLE_OK)
      hang_up();
  }

  CURLcode transfer() {
    for (;;) {
      int running = 0;
      if (curl_multi_perform(multi_.get(), &running) != CURLM_OK)
        throw std::runtime_error("libcurl has lost its footing");
      int left = 0;
      while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left))
        if (message->msg == CURLMSG_DONE)
          return message->data.result;
      go_on(); // told to libcurl by on_progress, which the next perform calls
      curl_multi_poll(multi_.get(), nullptr, 0, stopped_ ? 1 : static_cast<int>(poll_max.count()), nullptr);
    }
  }

  milliseconds patience() const {
    if (told_.whole())
      return waits_.last;
    switch (told_.step()) {
    case smtp_step::connecting:
      return waits_.connect;
    case smtp_step::greeting:
      return waits_.greeting;
    default:
      return waits_.step;
    }
  }

  // False: the try is to end, and stopped_ says why.
  bool go_on() {
    if (stopped_)
      return false;
    const auto now = clock::now();
    curl_off_t connected_us = 0;
    if (told_.step() == smtp_step::connecting &&
        curl_easy_getinfo(easy_.get(),
                          relay_.tls == smtp_tls::implicit ? CURLINFO_APPCONNECT_TIME_T : CURLINFO_CONNECT_TIME_T,
                          &connected_us) == CURLE_OK &&
        connected_us > 0) {
      told_.connected();
      heard_at_ = now;
    }
    if (interrupted_)
      stopped_ = smtp_end::interrupted;
    else if (now - heard_at_ > patience() || now > until_)
      stopped_ = smtp_end::late;
    else if (watch_->tick && now - ticked_at_ >= tick_every) {
      ticked_at_ = now;
      if (!asked(watch_->tick) && (thrown_ || !told_.whole()))
        stopped_ = smtp_end::interrupted;
    }
    return !stopped_;
  }

  // No exception passes through libcurl.
  bool asked(const std::function<bool()>& question) noexcept {
    try {
      return question();
    } catch (...) {
      thrown_ = std::current_exception();
      return false;
    }
  }

  // The host sees its reader gone at once, so that nothing here waits for its answer to QUIT.
  void hang_up() {
    for (const int socket : sockets_)
      ::shutdown(socket, SHUT_RD);
    mails_ = 0;
  }

  static std::size_t on_read(char* to, std::size_t size, std::size_t count, void* data) {
    auto& self = *static_cast<curl_smtp*>(data);
    self.heard_at_ = clock::now();
    if (!self.text_begun_) {
      self.text_begun_ = true;
      if (!self.go_on())
        return CURL_READFUNC_ABORT;
      if (self.watch_->before_text && !self.asked(self.watch_->before_text)) {
        self.stopped_ = smtp_end::interrupted;
        return CURL_READFUNC_ABORT;
      }
    }
    const std::size_t some = std::min(size * count, self.text_.size());
    if (some == 0) {
      if (!self.go_on())
        return CURL_READFUNC_ABORT;
      self.told_.text_ended();
      return 0;
    }
    std::memcpy(to, self.text_.data(), some);
    self.text_.remove_prefix(some);
    return some;
  }

  static std::size_t on_write(char*, std::size_t size, std::size_t count, void*) { return size * count; }

  static int on_progress(void* data, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<curl_smtp*>(data)->go_on() ? 0 : 1;
  }

  static int on_debug(CURL*, curl_infotype kind, char* bytes, std::size_t size, void* data) {
    auto& self = *static_cast<curl_smtp*>(data);
    const std::string_view line(bytes, size);
    if (kind == CURLINFO_HEADER_IN)
      self.told_.heard(line);
    else if (kind == CURLINFO_HEADER_OUT)
      self.told_.said(line);
    if (self.told_.over())
      self.hang_up(); // libcurl would wait for the answer to QUIT
    if (kind == CURLINFO_HEADER_IN || kind == CURLINFO_HEADER_OUT || kind == CURLINFO_DATA_OUT)
      self.heard_at_ = clock::now();
    return 0;
  }

  static curl_socket_t on_open(void* data, curlsocktype, curl_sockaddr* to) {
    const int fd = ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    if (fd < 0)
      return CURL_SOCKET_BAD;
    static_cast<curl_smtp*>(data)->sockets_.push_back(fd);
    return fd;
  }
  static int on_close(void* data, curl_socket_t fd) {
    std::erase(static_cast<curl_smtp*>(data)->sockets_, fd);
    return ::close(fd);
  }

  smtp_relay relay_;
  smtp_waits waits_;
  std::atomic<bool> interrupted_ = false;
  std::vector<int> sockets_; // libcurl's, while they are open; two at most, while it tries IPv6 and IPv4
  std::array<char, CURL_ERROR_SIZE> why_{};
  int mails_ = 0; // over the connection that is kept

  // Of the try at hand.
  smtp_dialogue told_;
  std::optional<smtp_end> stopped_; // by us
  std::exception_ptr thrown_;
  std::string_view text_; // what is still to be sent
  bool text_begun_ = false;
  bool kept_ = false; // it began on a connection from before
  const smtp_watch* watch_ = nullptr;
  clock::time_point until_, heard_at_, ticked_at_;
  CURLcode code_ = CURLE_OK;

  // The last members, so the first to go: both call back into the others.
  std::unique_ptr<CURLM, clean_up_multi> multi_;
  std::unique_ptr<CURL, clean_up_easy> easy_;
};

} // namespace

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host == "::1")
    return true;
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

expected<std::unique_ptr<smtp>> smtp::make(const smtp_relay& to, const smtp_waits& waits) {
  const auto invalid = [](std::string why) { return fail(problem::kind::invalid, std::move(why)); };
  if (!is_name(to.host) && !is_ipv6(to.host))
    return invalid("the mail host is neither a name nor an address");
  if (to.port == 0)
    return invalid("the mail host's port is 0");
  if (to.tls == smtp_tls::none && !is_loopback_host(to.host))
    return invalid("mail goes without TLS only to a host on this machine, and " + to.host + " is none");
  if (!is_name(to.hello_name))
    return invalid("the name for EHLO is none");
  if (has_control(to.user) || has_control(to.password))
    return invalid("the mail host's user or password holds a control character");
  if (!to.ca_file.empty() && ::access(to.ca_file.c_str(), R_OK) != 0)
    return invalid("the file of trusted certificates cannot be read: " + to.ca_file);
  return std::make_unique<curl_smtp>(to, waits);
}

} // namespace lyceum
