using System.Buffers;
using System.IO.Compression;
using System.Text;
using Sync.Access;
using Sync.Cli.Import;
using Sync.Contracts;
using Sync.HostileTests.Reference;
using Sync.HostileTests.Run;
using Sync.MessagePack;
using Sync.Writer;
using Sync.Writer.Batch;
using Sync.Writer.Http;

namespace Sync.HostileTests.Targets;

/// <summary>Lines of a batch: a command that is taken says what a second reading of the line says, and passes every check.</summary>
internal sealed class BatchLineTarget : Target
{
    private static readonly WriteLimits Limits = new(new WriterOptions { BodyBytesMax = 2048 }, () => 12 << 10);

    private readonly BatchLineReader _reader = new(Limits, Producer.Anonymous, AccessIdentity.Open, null);
    private WriteCommand? _command;

    public override string Name => "batch-line";

    public override int Weight => 6;

    public override long AllocatedBase => 96 << 10;

    public override byte[][] Words { get; } =
    [
        .. new[]
        {
            "\"vault\":", "\"collection\":", "\"key\":", "\"value\":", "\"value_msgpack\":\"wA==\",", "\"op\":\"delete\",", "\"op\":\"append\",", "\"expected\":0,",
            "\"idempotency_key\":\"a\",", "\"valid_time\":\"2026-01-31T12:00:00Z\",", "\"producer\":\"a:b\",", "\"causation\":\"0193a1b2-c3d4-7e5f-8a9b-000000000001\",",
            "\"schema_version\":\"3.1\",", "\"only_if_no_live_record\":true,", "null", "\"_state\"", "\"pypi--django\"",
        }.Select(TextOf.Of),
    ];

    public override IEnumerable<byte[]> Seeds() => LineSeeds.Batch.Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input)
    {
        var problem = _reader.TryRead(new ReadOnlySequence<byte>(input.ToArray()), out _command);
        return problem is null ? null : problem.Code + problem.Detail;
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        var whole = (error, _command);
        var again = Read(new byte[input.Length], input);
        Hold(again == whole.error, "in pieces it answers otherwise");
        if (error is not null || whole._command is not { } command) return;
        Hold(Limits.Check(command) is null, "it took what the door refuses");
        var line = NaiveJson.ReadLoosely(input, 80);
        Hold(line is { Kind: Kind.Map }, "it took what is no object");
        Hold(Text(line!["vault"]) == command.Key.Vault && Text(line["collection"]) == command.Key.Collection, "another name");
        Hold((Text(line["key"]) ?? "") == command.Key.Key, "another key");
        Hold((Text(line["op"]) ?? "put") == EnvelopeTarget.OpOf(command.Op), "another op");
        Hold(Text(line["idempotency_key"]) == command.IdempotencyKey, "another idempotency key");
        Hold((Text(line["schema_version"]) ?? "1.0") == command.SchemaVersion.Text, "another schema version");
        Hold((line["expected"] is { Kind: Kind.Integer } expected ? (long)expected.Number : (long?)null) == command.Expected?.Value, "another expected");
        Hold(ValidTime.Is(line, command), "another valid time");
        Hold(Text(line["causation"])?.ToLowerInvariant() == command.Causation?.ToString(), "another causation");
        if (line["value"] is { } value && command.Op != ChangeOp.Delete)
            Hold(Node.Same(NaivePack.Read(command.Value.Span, checksText: true)!, value), "another value");
    }

    // The same bytes in two segments.
    private string? Read(byte[] copy, ReadOnlySpan<byte> input)
    {
        input.CopyTo(copy);
        var middle = copy.Length / 2;
        var first = new Segment(copy.AsMemory(0, middle), 0);
        var last = first.Then(copy.AsMemory(middle));
        var problem = _reader.TryRead(new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length), out _command);
        return problem is null ? null : problem.Code + problem.Detail;
    }

    private static string? Text(Node? node) => node is null || node.Kind == Kind.Nil ? null : node.AsText;
}

/// <summary>The valid time of a line.</summary>
internal static class ValidTime
{
    /// <summary>True when a write has the time that its line has, or none as its line has none.</summary>
    public static bool Is(Node line, WriteCommand command) => line["valid_time"] is null or { Kind: Kind.Nil }
        ? command.ValidTime is null
        : Rfc3339.TryRead(line["valid_time"]!.AsText, out var time) is null && time == command.ValidTime;
}

/// <summary>A part of a sequence of bytes.</summary>
internal sealed class Segment : ReadOnlySequenceSegment<byte>
{
    public Segment(ReadOnlyMemory<byte> memory, long before) => (Memory, RunningIndex) = (memory, before);

    public Segment Then(ReadOnlyMemory<byte> memory)
    {
        var next = new Segment(memory, RunningIndex + Memory.Length);
        Next = next;
        return next;
    }
}

/// <summary>Lines of both kinds.</summary>
internal static class LineSeeds
{
    public static readonly string[] Batch =
    [
        """{"vault":"acme","collection":"user","key":"123","value":{"name":"Ada","age":36}}""",
        """{"vault":"pypi--django","collection":"advisory","key":"CVE-2026-1","value":[1,-1,2.5,"é",null,true],"schema_version":"3.1","expected":6}""",
        """{"vault":"acme","collection":"user","key":"a","op":"delete","idempotency_key":"0193a1b2-c3d4-7e5f-8a9b-0000000000aa"}""",
        """{"vault":"acme","collection":"log","op":"append","value":1,"causation":"0193a1b2-c3d4-7e5f-8a9b-000000000001","valid_time":"2026-01-31T12:00:00.5+02:00"}""",
        """{"vault":"acme","collection":"user","key":"b","value_msgpack":"gaFhAQ==","producer":"service:billing","only_if_no_live_record":true}""",
        """{"vault":"_state","collection":"user","key":"b","value":1}""",
        """{"vault":"acme","collection":"user","key":"b","value":{"a":1,"a":2}}""",
        """{"vault":"acme","collection":"user","key":"b","value":1,"unknown":2}""",
        """ {"key":"\u00e9\ud83d\ude00","value":"\ud800","vault":"acme","collection":"user"} """,
        """{"vault":"acme","collection":"user","key":"b","value":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]],"expected":9223372036854775808}""",
    ];

    public static readonly string[] Import =
    [
        """{"vault":"acme","collection":"user","key":"123","value":{"name":"Ada"},"valid_time":"2026-01-31T12:00:00Z","schema_version":"3.1"}""",
        """{"group":"pypi","partition":"django","collection":"advisory","key":"CVE-2026-1","op":"put","value":[1,2.5,"é"],"extra":{"a":[1]}}""",
        """{"vault":"acme","collection":"user","key":"a","op":"delete"}""",
        """{"group":"a--b","partition":"c","collection":"user","key":"a","value":1}""",
        """{"vault":"acme","collection":"user","key":"a","value":{"a":1,"a":2},"valid_time":"yesterday"}""",
        """{"vault":"acme","collection":"user","key":"a","value":1,"valid_time":"2026-01-31T12:00:00"}""",
        """{"vault":"acme","vault":"other","collection":"user","key":"a","value":1} x""",
    ];
}

/// <summary>Lines of an import file.</summary>
internal sealed class ImportLineTarget : Target
{
    private WriteCommand? _command;

    public override string Name => "import-line";

    public override int Weight => 4;

    public override long AllocatedBase => 96 << 10;

    public override IEnumerable<byte[]> Seeds() => LineSeeds.Import.Concat(LineSeeds.Batch).Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input)
    {
        (_command, var error) = ImportLine.Read(input, Producer.Anonymous);
        return error;
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        Hold(error is null == _command is not null, "neither a write nor an error");
        if (error is not null) return;
        var command = _command!;
        Hold(Names.Check(command.Key) is null && command.SchemaVersion.IsWellFormed, "it took names that break the rules");
        Hold(MsgPackCheck.Check(command.Value.Span) is null, "it took what is not one value");
        var line = NaiveJson.ReadLoosely(input, NaiveJson.DepthMax);
        Hold(line is { Kind: Kind.Map }, "it took what is no object");
        Hold(line!["collection"]!.AsText == command.Key.Collection && line["key"]!.AsText == command.Key.Key, "another key");
        Hold(ValidTime.Is(line, command), "another valid time");
        if (line["value"] is { } value && command.Op == ChangeOp.Put)
            Hold(Node.Same(NaivePack.Read(command.Value.Span, checksText: true)!, value), "another value");
    }
}

/// <summary>Cutting a stream into lines, in pieces of any size: the lines that a plain split gives.</summary>
internal sealed class LineFrameTarget : Target
{
    private const int LineMax = 48;

    private readonly List<string> _lines = [];

    public override string Name => "line-frames";

    public override int Weight => 12;

    public override long AllocatedBase => 32 << 10;

    public override long AllocatedPerByte => 512;

    public override IEnumerable<byte[]> Seeds() => new[]
    {
        "a\nb\r\n\n \t\r\nc", "{}\n{}\n", new string('x', 100) + "\nshort\n", new string('y', 49) + "\n" + new string('z', 48) + "\n" + new string('q', 60), "", "\n",
    }.Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input)
    {
        _lines.Clear();
        ReadAll(input.ToArray(), 1 + (input.Length % 11), _lines);
        return _lines.Contains("(too long)") ? "too long" : null;
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        var expected = Encoding.Latin1.GetString(input).Split('\n').Where(line => line.Length > LineMax || line.Trim(' ', '\t', '\r').Length > 0)
            .Select(line => line.Length > LineMax ? "(too long)" : line);
        Hold(Same(expected, _lines), "a plain split gives other lines");
    }

    // As a pipe gives it: what was not taken, and more behind it.
    private static void ReadAll(byte[] input, int step, List<string> lines)
    {
        var frames = new LineFrames(LineMax);
        var start = 0;
        for (var end = Math.Min(step, input.Length); ; end = Math.Min(end + step, input.Length))
        {
            var middle = start + ((end - start) / 2);
            var first = new Segment(input.AsMemory(start, middle - start), 0);
            var last = first.Then(input.AsMemory(middle, end - middle));
            var buffer = new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
            while (frames.TryRead(ref buffer, end == input.Length, out var line, out var tooLong))
                lines.Add(tooLong ? "(too long)" : Encoding.Latin1.GetString(line.ToArray()));
            Hold(buffer.Length <= LineMax, "it keeps more than a line");
            start = end - (int)buffer.Length;
            if (end == input.Length) return;
        }
    }
}

/// <summary>Files to import, packed or not: every line, with its number.</summary>
internal sealed class ImportFileTarget : Target
{
    private readonly List<string> _lines = [];

    public override string Name => "import-file";

    public override int Weight => 2;

    // Buffers of the pipes and of the decompressor.
    public override long AllocatedBase => 1 << 20;

    public override IEnumerable<byte[]> Seeds()
    {
        foreach (var text in new[] { "a\nb\n\nc", "\ufeff{}\r\n{}\n", "", "\u001f", "{\"a\":1}\n" })
        {
            yield return TextOf.Of(text);
            yield return Pack(TextOf.Of(text));
        }
        yield return Pack(new byte[100_000]);
    }

    public override string? Read(ReadOnlySpan<byte> input)
    {
        _lines.Clear();
        var stream = new MemoryStream(input.ToArray());
        try
        {
            ReadAsync(stream).GetAwaiter().GetResult();
            return null;
        }
        catch (InvalidDataException)
        {
            return "not gzip";
        }
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error is not null || input is [0x1f, 0x8b, ..]) return;
        const string mark = "\u00ef\u00bb\u00bf";
        var lines = Encoding.Latin1.GetString(input).Split('\n').Select((line, index) => (Line: line, Number: index + 1))
            .Where(each => each.Line.Trim(' ', '\t', '\r').Length > 0)
            .Select(each => (each.Number, Line: each.Number == 1 && each.Line.StartsWith(mark, StringComparison.Ordinal) ? each.Line[3..] : each.Line))
            .Select(each => $"{each.Number}:{(each.Line.Length > 4096 ? "…" : each.Line)}");
        Hold(Same(lines, _lines), "a plain split gives other lines");
    }

    private async Task ReadAsync(Stream stream)
    {
        await using var source = new ImportSource(stream, null);
        await foreach (var (number, line) in source.LinesAsync(CancellationToken.None))
            _lines.Add($"{number}:{(line.Length > 4096 ? "…" : Encoding.Latin1.GetString(line))}");
    }

    private static byte[] Pack(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(bytes);
        return packed.ToArray();
    }
}
