using System.Diagnostics;
using Microsoft.Extensions.Primitives;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;

namespace Sync.Writer.Http;

/// <summary>What the headers of a write say.</summary>
internal struct WriteHeaders
{
    public SchemaVersion SchemaVersion;
    public Sequence? Expected;
    public bool OnlyIfNoLiveRecord;
    public string? IdempotencyKey;
    public Timestamp? ValidTime;
    public Producer Producer;
    public FactId? Causation;

    /// <summary>Longest producer text, in characters.</summary>
    public const int ProducerLengthMax = 256;

    /// <returns>Null when all are fine.</returns>
    public static Problem? TryRead(HttpRequest request, out WriteHeaders headers)
    {
        headers = new WriteHeaders { SchemaVersion = SchemaVersion.Default, Producer = Producer.Anonymous };
        var sent = request.Headers;
        if (One(sent["Sync-Schema-Version"], "Sync-Schema-Version", out var version) is { } twice) return twice;
        if (version is not null) headers.SchemaVersion = new SchemaVersion(version);
        if (!headers.SchemaVersion.IsWellFormed) return Problems.InvalidSchemaVersion(version);
        return ReadConditions(sent, ref headers) ?? ReadIdentity(sent, ref headers);
    }

    private static Problem? ReadConditions(IHeaderDictionary sent, ref WriteHeaders headers)
    {
        if (One(sent.IfMatch, "If-Match", out var match) is { } matchTwice) return matchTwice;
        if (match is not null)
        {
            if (!TryEntityTag(match, out var expected))
                return CommonProblems.Malformed(
                    "If-Match must be one sequence in double quotes, like \"7\" (\"0\" = no fact ever).");
            headers.Expected = expected;
        }
        if (One(sent.IfNoneMatch, "If-None-Match", out var noneMatch) is { } noneTwice) return noneTwice;
        if (noneMatch is null) return null;
        if (noneMatch != "*") return CommonProblems.Malformed("If-None-Match of a write must be *: no live record.");
        headers.OnlyIfNoLiveRecord = true;
        return null;
    }

    private static Problem? ReadIdentity(IHeaderDictionary sent, ref WriteHeaders headers)
    {
        if (One(sent["Idempotency-Key"], "Idempotency-Key", out var key) is { } keyTwice) return keyTwice;
        if (key is not null && Names.CheckIdempotencyKey(key) is { } wrongKey)
            return CommonProblems.Malformed($"Idempotency-Key: {wrongKey}.");
        headers.IdempotencyKey = key;
        if (One(sent["Sync-Valid-Time"], "Sync-Valid-Time", out var time) is { } timeTwice) return timeTwice;
        if (time is not null)
        {
            if (Rfc3339.TryRead(time, out var valid) is { } wrongTime)
                return CommonProblems.Malformed($"Sync-Valid-Time {wrongTime}.");
            headers.ValidTime = valid;
        }
        if (One(sent["Sync-Producer"], "Sync-Producer", out var producer) is { } producerTwice) return producerTwice;
        if (!TryProducer(producer, out headers.Producer))
            return CommonProblems.Malformed(ProducerRule("Sync-Producer"));
        return null;
    }

    /// <summary>The headers of an append: those of a write, and <c>Sync-Causation</c>.</summary>
    /// <returns>Null when all are fine.</returns>
    public static Problem? TryReadAppend(HttpRequest request, out WriteHeaders headers)
    {
        if (TryRead(request, out headers) is { } wrong) return wrong;
        const string name = "Sync-Causation";
        if (One(request.Headers[name], name, out var text) is { } twice) return twice;
        return TryCausation(text, ChangeOp.Append, out headers.Causation)
            ? null : CommonProblems.Malformed(CausationRule(name));
    }

    public static string CausationRule(string name) =>
        $"{name} must be the id of a fact, a UUID in its form with four hyphens, and belongs to an append only.";

    public static bool TryCausation(string? text, ChangeOp op, out FactId? causation)
    {
        causation = null;
        if (text is null) return true;
        if (op != ChangeOp.Append || !FactId.TryParse(text, out var id)) return false;
        causation = id;
        return true;
    }

    public static string ProducerRule(string name) =>
        $"{name} must be type:name, at most {ProducerLengthMax} characters without control characters.";

    public static bool TryProducer(string? text, out Producer producer)
    {
        producer = Producer.Anonymous;
        if (text is null) return true;
        if (text.Length is 0 or > ProducerLengthMax || text.Any(char.IsControl)) return false;
        producer = Producer.FromText(text);
        return true;
    }

    /// <summary>The trace to go on with: a recorded activity of this process, else what the caller sent.</summary>
    public static string? TraceParentOf(HttpRequest request)
    {
        if (Activity.Current is { Recorded: true, IdFormat: ActivityIdFormat.W3C } activity) return activity.Id;
        var sent = request.Headers.TraceParent;
        return sent.Count == 1 && sent[0] is { Length: <= 128 } text ? text : null;
    }

    public static bool TryEntityTag(ReadOnlySpan<char> text, out Sequence sequence)
    {
        sequence = default;
        if (text.Length < 3 || text[0] != '"' || text[^1] != '"') return false;
        if (!WholeNumber.TryParseCanonical(text[1..^1], long.MaxValue, out var value)) return false;
        sequence = new Sequence(value);
        return true;
    }

    private static Problem? One(StringValues values, string name, out string? value)
    {
        value = values.Count == 1 ? values[0] : null;
        return values.Count <= 1 ? null
            : CommonProblems.Malformed($"{name} is given {values.Count} times; give it once.");
    }
}
