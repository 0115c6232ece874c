using Shouldly;
using Sync.Contracts;
using Xunit;

namespace Sync.Tests.Contracts;

/// <summary>Times in text: what is taken, as which instant, and what is said of the rest.</summary>
public sealed class Rfc3339Tests
{
    [Theory]
    [InlineData("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z")]
    [InlineData("2026-01-31t12:00:00z", "2026-01-31T12:00:00.000000Z")]
    [InlineData("2026-01-31T12:00:00.1Z", "2026-01-31T12:00:00.100000Z")]
    [InlineData("2026-01-31T12:00:00.123456+14:00", "2026-01-30T22:00:00.123456Z")]
    [InlineData("2026-01-31T12:00:00+23:59", "2026-01-30T12:01:00.000000Z")]
    [InlineData("2026-01-31T12:00:00-23:59", "2026-02-01T11:59:00.000000Z")]
    [InlineData("2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00.000000Z")]
    [InlineData("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z")]
    [InlineData("0001-01-01T14:00:00+14:00", "0001-01-01T00:00:00.000000Z")]
    [InlineData("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999Z")]
    [InlineData("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z")]
    public void A_time_is_read(string text, string expected)
    {
        Rfc3339.TryRead(text, out var time).ShouldBeNull();
        time.ToString().ShouldBe(expected);
    }

    [Theory]
    [InlineData("2026-01-31T12:00:00.123456789Z", 123_456)]
    [InlineData("2026-01-31T12:00:00.1234569Z", 123_456)]
    [InlineData("2026-01-31T12:00:00.000000999Z", 0)]
    [InlineData("2026-01-31T12:00:00.999999999Z", 999_999)]
    public void What_is_finer_than_a_microsecond_is_cut_off(string text, int micros)
    {
        Rfc3339.TryRead(text, out var time).ShouldBeNull();
        (time.UnixMicroseconds % 1_000_000).ShouldBe(micros);
    }

    [Fact]
    public void Before_1970_it_is_cut_off_towards_the_past_too()
    {
        Rfc3339.TryRead("1969-12-31T23:59:59.9999999Z", out var time).ShouldBeNull();
        time.UnixMicroseconds.ShouldBe(-1);
    }

    [Theory]
    [InlineData("2026-01-31T12:00:00", "it has no offset")]
    [InlineData("2026-01-31T12:00:00.5", "it has no offset")]
    [InlineData("2016-12-31T23:59:60Z", "the seconds are 00 to 59; a leap second cannot be kept")]
    [InlineData("2026-01-31T12:00:61Z", "the seconds are 00 to 59")]
    [InlineData("2026-01-31T24:00:00Z", "the hours are 00 to 23")]
    [InlineData("2026-01-31T12:60:00Z", "the minutes are 00 to 59")]
    [InlineData("2026-13-01T12:00:00Z", "the months are 01 to 12")]
    [InlineData("2026-00-01T12:00:00Z", "the months are 01 to 12")]
    [InlineData("2026-02-29T12:00:00Z", "the month has no such day")]
    [InlineData("1900-02-29T12:00:00Z", "the month has no such day")]
    [InlineData("2026-01-00T12:00:00Z", "the month has no such day")]
    [InlineData("0000-01-01T00:00:00Z", "the years are 0001 to 9999")]
    [InlineData("10000-01-01T00:00:00Z", "the form is")]
    [InlineData("+2026-01-31T12:00:00Z", "the form is")]
    [InlineData("-001-01-31T12:00:00Z", "the form is")]
    [InlineData("0001-01-01T00:00:00+00:01", "in UTC it is not in the years")]
    [InlineData("9999-12-31T23:59:59-00:01", "in UTC it is not in the years")]
    [InlineData("2026-01-31T12:00:00.Z", "a fraction has 1 to 9 digits")]
    [InlineData("2026-01-31T12:00:00.", "a fraction has 1 to 9 digits")]
    [InlineData("2026-01-31T12:00:00.1234567890Z", "a fraction has 1 to 9 digits")]
    [InlineData("2026-01-31T12:00:00,5Z", "it must end with Z or an offset")]
    [InlineData("2026-01-31T12:00:00+24:00", "offsets are -23:59 to +23:59")]
    [InlineData("2026-01-31T12:00:00+00:60", "offsets are -23:59 to +23:59")]
    [InlineData("2026-01-31T12:00:00+0200", "it must end with Z or an offset")]
    [InlineData("2026-01-31T12:00:00+02", "it must end with Z or an offset")]
    [InlineData("2026-01-31T12:00:00+2:00", "it must end with Z or an offset")]
    [InlineData("2026-01-31T12:00:00\u221202:00", "it must end with Z or an offset")]
    [InlineData("2026-01-31T12:00:00 Z", "it must end with Z or an offset")]
    [InlineData("2026-01-31T12:00:00ZZ", "it must end with Z or an offset")]
    [InlineData("2026-01-31T12:00:00Z ", "it must end with Z or an offset")]
    [InlineData("2026-01-31T12:00:00Z\0", "it must end with Z or an offset")]
    [InlineData("2026-01-31T12:00:00Z\n", "it must end with Z or an offset")]
    [InlineData(" 2026-01-31T12:00:00Z", "the form is")]
    [InlineData("\ufeff2026-01-31T12:00:00Z", "the form is")]
    [InlineData("2026-01-31 12:00:00Z", "the form is")]
    [InlineData("2026-01-31T12:00Z", "the form is")]
    [InlineData("2026-01-31", "the form is")]
    [InlineData("20260131T120000Z", "the form is")]
    [InlineData("2026-W05-6T12:00:00Z", "the form is")]
    [InlineData("２０２６-01-31T12:00:00Z", "the form is")]
    [InlineData("01/31/2026 12:00:00", "the form is")]
    [InlineData("Sat, 31 Jan 2026 12:00:00 GMT", "the form is")]
    [InlineData("1769860800", "the form is")]
    [InlineData("yesterday", "the form is")]
    [InlineData("", "the form is")]
    public void Anything_else_is_refused_with_the_reason(string text, string reason)
    {
        Rfc3339.TryRead(text, out var time).ShouldNotBeNull()
            .ShouldStartWith("must be RFC 3339, like 2026-01-31T12:00:00Z: " + reason);
        time.ShouldBe(default);
    }

    [Fact]
    public void What_a_time_is_written_as_is_read_as_the_same_time()
    {
        foreach (var time in new[] { 0, -1, 1, -62_135_596_800_000_000, 253_402_300_799_999_999 }.Select(micros => new Timestamp(micros)))
        {
            Rfc3339.TryRead(time.ToString(), out var again).ShouldBeNull();
            again.ShouldBe(time);
        }
    }
}
