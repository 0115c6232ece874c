using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Features;
using Sync.Contracts;
using Sync.HostileTests.Reference;
using Sync.HostileTests.Run;
using Sync.Http;
using Sync.Writer.Http;

namespace Sync.HostileTests.Targets;

/// <summary>Headers of a write: one <c>Name: value</c> a line, as the server hands them on.</summary>
internal sealed partial class WriteHeaderTarget : Target
{
    private readonly DefaultHttpContext _context = new();
    private WriteHeaders _headers;

    public override string Name => "write-headers";

    public override int Weight => 8;

    public override long AllocatedBase => 32 << 10;

    public override byte[][] Words { get; } =
    [
        .. new[]
        {
            "If-Match: \"7\"\n", "If-None-Match: *\n", "Idempotency-Key: a\n", "Sync-Valid-Time: 2026-01-31T12:00:00Z\n", "Sync-Producer: a:b\n",
            "Sync-Schema-Version: 3.1\n", "Sync-Causation: 0193a1b2-c3d4-7e5f-8a9b-000000000001\n", "W/", "\"0\"", "*", "traceparent: 00-1\n", ", ",
        }.Select(TextOf.Of),
    ];

    public override IEnumerable<byte[]> Seeds() => new[]
    {
        "If-Match: \"7\"\nIdempotency-Key: 0193a1b2-c3d4-7e5f-8a9b-0000000000aa\nSync-Schema-Version: 3.1", "If-None-Match: *", "If-None-Match: \"7\"",
        "Sync-Valid-Time: 2026-01-31T12:00:00.123+02:00\nSync-Producer: service:billing", "Sync-Causation: 0193a1b2-c3d4-7e5f-8a9b-000000000001",
        "If-Match: \"1\"\nIf-Match: \"2\"", "Sync-Schema-Version: 1", "Idempotency-Key: ", "",
    }.Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input)
    {
        var sent = _context.Request.Headers;
        sent.Clear();
        foreach (var line in TextOf.Bytes(input).Split('\n').Take(64))
        {
            var cut = line.Split(':', 2);
            if (cut.Length == 2 && cut[0].Length > 0) sent.Append(cut[0], cut[1].Trim());
        }
        EntityTags.IsKnown(_context.Request, new Sequence(7));
        WriteHeaders.TraceParentOf(_context.Request);
        MediaTypes.TryAccept(_context.Request, out _);
        MediaTypes.TryContent(_context.Request, out _);
        return WriteHeaders.TryReadAppend(_context.Request, out _headers)?.Detail;
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error is not null) return;
        var sent = _context.Request.Headers;
        Hold(_headers.SchemaVersion.IsWellFormed, "a schema version that is none");
        Hold(_headers.Expected is null ? sent.IfMatch.Count == 0 : Tag().IsMatch(sent.IfMatch.ToString()), "another rule of If-Match");
        Hold(_headers.IdempotencyKey is null || NaiveNames.IsKey(_headers.IdempotencyKey, 128), "an idempotency key that is none");
        Hold(!$"{_headers.Producer}".Any(char.IsControl), "a producer with a control character");
        Hold(_headers.ValidTime is null
            ? sent["Sync-Valid-Time"].Count == 0
            : Rfc3339.TryRead(sent["Sync-Valid-Time"].ToString(), out var valid) is null && valid == _headers.ValidTime, "another rule of times");
        if (_headers.Expected is { } expected)
            Hold(EntityTags.Of(expected) == sent.IfMatch.ToString(), "the sequence has another tag");
    }

    [GeneratedRegex("^\"(0|[1-9][0-9]{0,18})\"\\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Tag();
}

/// <summary>Query strings of pages, windows and scopes.</summary>
internal sealed class QueryTarget : Target
{
    private readonly DefaultHttpContext _context = new();
    private string? _vault;
    private long? _from;
    private int _limit;

    public override string Name => "query";

    public override int Weight => 8;

    public override long AllocatedBase => 32 << 10;

    public override byte[][] Words { get; } =
        [.. new[] { "vault=acme", "&collection=user", "&limit=", "&from=", "&as_of=", "&after=", "%20", "%00", "%", "+", "&&", "==", "&vault=b" }.Select(TextOf.Of)];

    public override IEnumerable<byte[]> Seeds() => new[]
    {
        "vault=acme&collection=user&limit=100", "from=0&limit=1000", "from=-1", "limit=1001", "as_of=2026-01-31T12:00:00%2B02:00", "as_of=2026-01-31T12:00:00+02:00",
        "vault=a&vault=b", "vaults=a", "vault=..%2F..", "vault=%FF", "limit=%31", "",
    }.Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input)
    {
        // The query of a parsed request is kept by its text, so every input is a request of its own.
        var request = _context.Request;
        _context.Features.Set<IQueryFeature>(null);
        request.QueryString = new QueryString("?" + TextOf.Bytes(input));
        var problem = Queries.RefuseUnknown(request, "vault", "collection", "limit", "from", "as_of", "after")
            ?? Queries.TryLimit(request, out _limit)
            ?? Queries.TryNumber(request, "from", 0, long.MaxValue, out _from)
            ?? Queries.TryName(request, "collection", Names.CheckCollection, out _)
            ?? Queries.TryTime(request, "as_of", out _)
            ?? Queries.TryName(request, "vault", Names.CheckVault, out _vault);
        return problem?.Detail;
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error is not null) return;
        Hold(_vault is null || NaiveNames.IsVault(_vault), "a vault that is none");
        Hold(_limit is >= 1 and <= Queries.LimitMax && _from is null or >= 0, "a number out of its range");
        foreach (var part in TextOf.Bytes(input).Split('&', StringSplitOptions.RemoveEmptyEntries))
            Hold(part.Split('=')[0] is "vault" or "collection" or "limit" or "from" or "as_of" or "after" || part.AsSpan().ContainsAny("%+"),
                "it took a parameter that it does not know");
    }
}

/// <summary>Names in paths: what is taken keeps the rules, and its own percent-encoding means the same.</summary>
internal class PathTarget : Target
{
    private const string Prefix = "/v1/vaults/";

    private RecordTarget? _target;

    public override string Name => "record-path";

    public override int Weight => 16;

    public override byte[][] Words { get; } =
        [.. new[] { Prefix, "%2F", "%2f", "%25", "%2E%2E", "..", "%00", "%0D%0A", "%C3%A9", "%", "%4", "/", "?", "http://x", "//" }.Select(TextOf.Of)];

    public override IEnumerable<byte[]> Seeds() => new[]
    {
        Prefix + "acme/user/123", Prefix + "pypi--django/advisory", Prefix + "acme/user/a%2Fb%25%C3%A9", Prefix + "acme/user/a/b", Prefix + "acme/user/%00",
        Prefix + "..%2F..%2Fetc/user/x", "http://localhost" + Prefix + "acme/user/1?x=1", Prefix + "acme/user/%ED%A0%80", Prefix + "acme//1", Prefix,
    }.Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input)
    {
        var raw = Encoding.Latin1.GetString(input);
        _target = null;
        if (!TryRead(RecordTarget.PathOf(raw), out _target)) return "no names";
        return _target!.Wrong;
    }

    protected virtual bool TryRead(ReadOnlySpan<char> path, out RecordTarget? target) => RecordTarget.TryRead(path, Prefix, out target);

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error is not null || _target is not { } target) return;
        Hold(NaiveNames.IsVault(target.Vault) && NaiveNames.IsName(target.Collection), "names that break the rules");
        Hold(target.Key is null || NaiveNames.IsKey(target.Key), "a key that breaks the rules");
        var parts = Encoding.Latin1.GetString(RecordTargetPath(input))[Prefix.Length..].Split('/');
        if (target.Key is { } key && parts[2].All(char.IsAscii))
            Hold(NaiveNames.Decode(parts[2]) == key, "a second reading has another key");
        var again = $"{Prefix}{target.Vault}/{target.Collection}{(target.Key is null ? "" : "/" + Uri.EscapeDataString(target.Key))}";
        Hold(RecordTarget.TryRead(again, Prefix, out var same) && same!.Wrong is null && same.Vault == target.Vault
            && same.Collection == target.Collection && same.Key == target.Key, "the way back has another key");
    }

    private static byte[] RecordTargetPath(ReadOnlySpan<byte> input) =>
        Encoding.Latin1.GetBytes(RecordTarget.PathOf(Encoding.Latin1.GetString(input)).ToString());
}

/// <summary>Times in text: RFC 3339, as a second reading in parts says.</summary>
internal partial class TimeTarget : Target
{
    private Timestamp _time;

    public override string Name => "time";

    public override int Weight => 4;

    public override IEnumerable<byte[]> Seeds() => new[]
    {
        "2026-01-31T12:00:00Z", "2026-01-31t12:00:00.1234567+14:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.9999999-14:00",
        "2026-02-30T00:00:00Z", "2026-01-31T12:00:00", "2026-01-31 12:00:00Z", "2026-01-31T24:00:00Z",
        "2016-12-31T23:59:60Z", "1969-12-31T23:59:59.999999999-23:59", "2024-02-29T00:00:00.1234567890Z", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
        "\ufeff2026-01-31T12:00:00Z", " 2026-01-31T12:00:00Z ",
    }.Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input) => TryRead(TextOf.Bytes(input), out _time);

    protected virtual string? TryRead(string text, out Timestamp time) => Rfc3339.TryRead(text, out time);

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        var expected = Naive(TextOf.Bytes(input));
        Hold(error is null == expected is not null, "a second reading decides otherwise");
        if (error is not null) return;
        Hold(_time == expected, "a second reading has another time");
        Hold(Rfc3339.TryRead(_time.ToString(), out var again) is null && again == _time, "it does not come back");
    }

    // By the runtime's exact parser to whole seconds, and by hand from there.
    private static Timestamp? Naive(string text)
    {
        var parts = Form().Match(text);
        if (!parts.Success) return null;
        var (culture, utc) = (CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
        if (!DateTime.TryParseExact(parts.Groups["seconds"].Value.ToUpperInvariant(), "yyyy-MM-dd'T'HH:mm:ss", culture, utc, out var local)) return null;
        var ticks = (Int128)local.Ticks * 100;
        if (parts.Groups["fraction"] is { Success: true } fraction) ticks += long.Parse(fraction.Value.PadRight(9, '0'), culture);
        if (parts.Groups["sign"] is { Success: true, Value: var sign })
        {
            var (hours, minutes) = (int.Parse(parts.Groups["hours"].Value, culture), int.Parse(parts.Groups["minutes"].Value, culture));
            if (hours > 23 || minutes > 59) return null;
            ticks -= (sign == "-" ? -1 : 1) * ((hours * 60) + minutes) * 60 * 1_000_000_000L;
        }
        if (ticks < 0 || ticks / 100 > DateTime.MaxValue.Ticks) return null;
        return new Timestamp((long)(ticks / 1000) - (DateTime.UnixEpoch.Ticks / TimeSpan.TicksPerMicrosecond));
    }

    [GeneratedRegex(
        @"^(?<seconds>[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2})(\.(?<fraction>[0-9]{1,9}))?([Zz]|(?<sign>[+-])(?<hours>[0-9]{2}):(?<minutes>[0-9]{2}))\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Form();
}
