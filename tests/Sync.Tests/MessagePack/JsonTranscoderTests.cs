using System.Text;
using Shouldly;
using Sync.MessagePack;
using Xunit;

namespace Sync.Tests.MessagePack;

public sealed class JsonTranscoderTests
{
    private static string? ToHex(string json, out TranscodeError error)
    {
        var bytes = JsonTranscoder.ToMsgPack(Encoding.UTF8.GetBytes(json), out error);
        return bytes is null ? null : Convert.ToHexStringLower(bytes);
    }

    private static string? ToText(string hex, out TranscodeError error)
    {
        var json = JsonTranscoder.ToJson(Convert.FromHexString(hex), out error);
        return json is null ? null : Encoding.UTF8.GetString(json);
    }

    [Theory]
    [InlineData("0", "00", "0")]
    [InlineData("-0", "00", "0")]
    [InlineData("-0.0", "cb8000000000000000", "-0.0")]
    [InlineData("1.0", "cb3ff0000000000000", "1.0")]
    [InlineData("1e2", "cb4059000000000000", "100.0")]
    [InlineData("18446744073709551615", "cfffffffffffffffff", "18446744073709551615")]
    [InlineData("-9223372036854775808", "d38000000000000000", "-9223372036854775808")]
    [InlineData("18446744073709551616", "cb43f0000000000000", "1.8446744073709552E+19")]
    [InlineData("5e-324", "cb0000000000000001", "5E-324")]
    [InlineData("{\"a\":[1,true,null],\"b\":{}}", "82a1619301c3c0a16280", "{\"a\":[1,true,null],\"b\":{}}")]
    [InlineData("\"\\u00e9\\ud83d\\ude00\\u0000\\/\"", "a8c3a9f09f9880002f", "\"é😀\\u0000/\"")]
    public void A_json_value_has_one_form_in_each_format(string json, string hex, string back)
    {
        ToHex(json, out _).ShouldBe(hex);
        ToText(hex, out _).ShouldBe(back);
        ToHex(back, out _).ShouldBe(hex);
    }

    [Theory]
    [InlineData("1e400", TranscodeFault.InvalidValue)]
    [InlineData("-1e400", TranscodeFault.InvalidValue)]
    [InlineData("{\"a\":1,\"b\":2,\"a\":3}", TranscodeFault.InvalidValue)]
    [InlineData("{\"a\":1,\"\\u0061\":3}", TranscodeFault.InvalidValue)]
    [InlineData("{\"x\":{\"long key of more than eight\":1,\"long key of more than eight\":1}}", TranscodeFault.InvalidValue)]
    [InlineData("\"\\ud83d\"", TranscodeFault.Malformed)]
    [InlineData("{\"\\ude00\":1}", TranscodeFault.Malformed)]
    [InlineData("[1,2", TranscodeFault.Malformed)]
    [InlineData("1 2", TranscodeFault.Malformed)]
    [InlineData("", TranscodeFault.Malformed)]
    [InlineData("NaN", TranscodeFault.Malformed)]
    [InlineData("[1,]", TranscodeFault.Malformed)]
    [InlineData("/**/1", TranscodeFault.Malformed)]
    public void Json_that_cannot_be_kept_is_an_error_value(string json, TranscodeFault fault)
    {
        ToHex(json, out var error).ShouldBeNull();
        error.Fault.ShouldBe(fault);
        error.Message.ShouldNotBeNullOrEmpty();
    }

    [Theory]
    [InlineData("c40100", TranscodeFault.NotJson, "at $ ")]
    [InlineData("81a16193c0c0d40100", TranscodeFault.NotJson, "at $.a[2] ")]
    [InlineData("82a16101a162cb7ff8000000000000", TranscodeFault.NotJson, "at $.b ")]
    [InlineData("91cb7ff0000000000000", TranscodeFault.NotJson, "at $[0] ")]
    [InlineData("8101a161", TranscodeFault.NotJson, "map key")]
    [InlineData("82a16101a16102", TranscodeFault.InvalidValue, "duplicate")]
    [InlineData("a1ff", TranscodeFault.Malformed, "UTF-8")]
    [InlineData("0000", TranscodeFault.Malformed, "trailing")]
    [InlineData("92c0", TranscodeFault.Malformed, "truncated")]
    public void MessagePack_that_json_has_no_words_for_is_an_error_with_its_path(string hex, TranscodeFault fault, string part)
    {
        ToText(hex, out var error).ShouldBeNull();
        error.Fault.ShouldBe(fault);
        error.Message!.ShouldContain(part);
    }

    [Fact]
    public void Sixty_four_levels_pass_and_one_more_is_refused_both_ways()
    {
        var deepest = new string('[', 64) + new string(']', 64);
        var hex = ToHex(deepest, out _).ShouldNotBeNull();
        ToText(hex, out _).ShouldBe(deepest);
        MsgPackCheck.Check(Convert.FromHexString(hex)).ShouldBeNull();

        ToHex('[' + deepest + ']', out var error).ShouldBeNull();
        error.Fault.ShouldBe(TranscodeFault.InvalidValue);
        ToText("91" + hex, out error).ShouldBeNull();
        error.Fault.ShouldBe(TranscodeFault.InvalidValue);
        MsgPackCheck.Check(Convert.FromHexString("91" + hex)).ShouldNotBeNull().What.ShouldBe("nested too deep");
    }

    [Theory]
    [InlineData(15), InlineData(16), InlineData(17), InlineData(65535), InlineData(65536)]
    public void Containers_of_every_header_size_come_back(int count)
    {
        var list = "[" + string.Join(",", Enumerable.Range(0, count)) + "]";
        var map = "{" + string.Join(",", Enumerable.Range(0, count).Select(n => $"\"k{n}\":[{n}]")) + "}";
        foreach (var json in new[] { list, map, $"{{\"a\":{list},\"b\":{list}}}" })
        {
            var hex = ToHex(json, out var error);
            error.Message.ShouldBeNull();
            ToText(hex!, out _).ShouldBe(json);
            MsgPackCheck.Check(Convert.FromHexString(hex!)).ShouldBeNull();
        }
    }
}
