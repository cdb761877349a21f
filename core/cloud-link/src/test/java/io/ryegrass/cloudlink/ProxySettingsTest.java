package io.ryegrass.cloudlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ryegrass.nucleus.NucleusException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** PXY-03: the address of the proxy and who is reached without it. */
class ProxySettingsTest {
  private static ProxySettings.Proxy proxy(String url) {
    return ProxySettings.parse(url, "", "", "").forHost("cloud.example").orElseThrow();
  }

  @ParameterizedTest
  @CsvSource({
    "http://p,HTTP,p,80",
    "https://p,HTTPS,p,443",
    "socks5://p,SOCKS5,p,1080",
    "HTTP://p:3128,HTTP,p,3128",
    "http://[::1]:8080/,HTTP,::1,8080"
  })
  void schemeAndPortFollowTheAddress(String url, ProxySettings.Kind kind, String host, int port) {
    assertThat(proxy(url)).isEqualTo(new ProxySettings.Proxy(kind, host, port, null, ""));
  }

  @Test
  void theUserInTheAddressCountsBeforeUsernameAndPassword() {
    assertThat(
            ProxySettings.parse("http://ann:s%40c@p", "bob", "x", "")
                .forHost("h")
                .orElseThrow()
                .authorization())
        .isEqualTo("Basic YW5uOnNAYw=="); // ann:s@c
    assertThat(
            ProxySettings.parse("http://p", "bob", "x", "")
                .forHost("h")
                .orElseThrow()
                .authorization())
        .isEqualTo("Basic Ym9iOng="); // bob:x
    assertThat(proxy("http://p").authorization()).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "cloud.example,cloud.example,true",
    "cloud.example,CLOUD.example.,true",
    "cloud.example,iot.cloud.example,true",
    "cloud.example,mycloud.example,false",
    ".cloud.example,iot.cloud.example,true",
    "*.cloud.example,iot.cloud.example,true",
    "'10.0.0.1, cloud.example',cloud.example,true",
    "10.0.0.1,10.0.0.1,true",
    "10.0.0.1,10.0.0.11,false",
    "::1,[::1],true",
    "*,anything,true",
    "' ,',cloud.example,false"
  })
  void addressesInTheListAreReachedDirectly(String list, String host, boolean direct) {
    assertThat(ProxySettings.parse("http://p", "", "", list).forHost(host).isEmpty())
        .isEqualTo(direct);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "p:3128",
        "ftp://p",
        "http://",
        "http://p:0",
        "http://p:70000",
        "http://u:se cret@p"
      })
  void anAddressThatCannotBeUsedIsRefusedWithoutTellingThePassword(String url) {
    assertThatThrownBy(() -> ProxySettings.parse(url, "", "", ""))
        .isInstanceOf(NucleusException.class)
        .hasMessageContaining("networkProxy.proxy.url")
        .hasMessageNotContaining("cret");
    assertThat(proxy("http://u:secret@p").toString()).isEqualTo("http://p:80");
  }

  @Test
  void withoutAnAddressEverythingIsReachedDirectly() {
    assertThat(ProxySettings.parse(" ", "bob", "x", "").forHost("h")).isEmpty();
  }
}
