using System.Globalization;
using System.Text;
using System.Text.Json;
using Sync.Contracts;

namespace Sync.ChaosTests.Check;

/// <summary>One line of a log, whatever its kind; reused from line to line.</summary>
internal sealed class LogLine
{
    // The same few names come again and again.
    private readonly Dictionary<int, List<(byte[] Utf8, string Text)>> _texts = [];

    public long Time { get; private set; }

    public string Kind { get; private set; } = "";

    public string Id { get; private set; } = "";

    public long Attempt { get; private set; }

    public SyncedKey Key { get; private set; }

    public long Sequence { get; private set; }

    public int Feed { get; private set; }

    public long Position { get; private set; }

    public long History { get; private set; }

    public long Connection { get; private set; }

    /// <summary>The position of the cursor that came with a change.</summary>
    public long Behind { get; private set; }

    public Guid Fact { get; private set; }

    /// <summary>The first 8 bytes of a value's SHA-256; null = the line has none.</summary>
    public ulong? Hash { get; private set; }

    public string Code { get; private set; } = "";

    public string Why { get; private set; } = "";

    public string Cursor { get; private set; } = "";

    /// <summary>Which of the readers of a process.</summary>
    public string Reader { get; private set; } = "";

    public string Name { get; private set; } = "";

    public string Phase { get; private set; } = "";

    public long Kilobytes { get; private set; }

    public bool Must { get; private set; }

    public bool Reuse { get; private set; }

    public bool IsPassing { get; private set; }

    public bool IsExcused { get; private set; }

    public bool IsGone { get; private set; }

    public bool IsReplayed { get; private set; }

    /// <summary>Other numbers of the line, by name.</summary>
    public Dictionary<string, long> Numbers { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads a line over what was here.</summary>
    /// <exception cref="JsonException">It is no object.</exception>
    public void Read(ReadOnlySpan<byte> line)
    {
        (Time, Kind, Id, Attempt, Sequence, Feed, Position, History, Connection, Behind) = (0, "", "", 0, 0, 0, 0, 0, 0, 0);
        (Fact, Hash, Code, Why, Cursor, Reader, Name, Phase, Kilobytes) = (default, null, "", "", "", "", "", "", 0);
        (Must, Reuse, IsPassing, IsExcused, IsGone, IsReplayed) = (false, false, false, false, false, false);
        Numbers.Clear();
        var (vault, collection, key) = ("", "", "");
        var json = new Utf8JsonReader(line);
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            throw new JsonException("a line of a log is no object");
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.ValueSpan;
            json.Read();
            if (json.TokenType == JsonTokenType.Number) ReadNumber(name, json.GetInt64());
            else if (json.TokenType is JsonTokenType.True or JsonTokenType.False) ReadFlag(name);
            else if (json.TokenType != JsonTokenType.String) json.Skip();
            else if (name.SequenceEqual("v"u8)) vault = Known(json.ValueSpan);
            else if (name.SequenceEqual("c"u8)) collection = Known(json.ValueSpan);
            else if (name.SequenceEqual("k"u8)) key = Known(json.ValueSpan);
            else ReadText(name, ref json);
        }
        Key = new SyncedKey(vault, collection, key);
    }

    private void ReadNumber(ReadOnlySpan<byte> name, long value)
    {
        if (name.SequenceEqual("t"u8)) Time = value;
        else if (name.SequenceEqual("a"u8)) Attempt = value;
        else if (name.SequenceEqual("seq"u8)) Sequence = value;
        else if (name.SequenceEqual("feed"u8)) Feed = (int)value;
        else if (name.SequenceEqual("pos"u8)) Position = value;
        else if (name.SequenceEqual("hist"u8)) History = value;
        else if (name.SequenceEqual("conn"u8)) Connection = value;
        else if (name.SequenceEqual("behind"u8)) Behind = value;
        else if (name.SequenceEqual("kb"u8)) Kilobytes = value;
        else Numbers[Known(name)] = value;
    }

    // A flag is written only when it is true.
    private void ReadFlag(ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual("must"u8)) Must = true;
        else if (name.SequenceEqual("reuse"u8)) Reuse = true;
        else if (name.SequenceEqual("passing"u8)) IsPassing = true;
        else if (name.SequenceEqual("gone"u8)) IsGone = true;
        else if (name.SequenceEqual("replayed"u8)) IsReplayed = true;
    }

    private void ReadText(ReadOnlySpan<byte> name, ref Utf8JsonReader json)
    {
        if (name.SequenceEqual("e"u8)) Kind = Known(json.ValueSpan);
        else if (name.SequenceEqual("id"u8)) Id = json.GetString()!;
        else if (name.SequenceEqual("fact"u8)) Fact = json.GetGuid();
        else if (name.SequenceEqual("h"u8)) Hash = ulong.Parse(
            json.ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        else if (name.SequenceEqual("code"u8)) Code = Known(json.ValueSpan);
        else if (name.SequenceEqual("why"u8)) Why = json.GetString()!;
        else if (name.SequenceEqual("cursor"u8)) Cursor = json.GetString()!;
        else if (name.SequenceEqual("r"u8)) Reader = Known(json.ValueSpan);
        else if (name.SequenceEqual("name"u8)) Name = Known(json.ValueSpan);
        else if (name.SequenceEqual("phase"u8)) Phase = Known(json.ValueSpan);
        else if (name.SequenceEqual("excused"u8)) IsExcused = true;
    }

    private string Known(ReadOnlySpan<byte> utf8)
    {
        var hash = new HashCode();
        hash.AddBytes(utf8);
        var number = hash.ToHashCode();
        if (!_texts.TryGetValue(number, out var same)) _texts[number] = same = [];
        foreach (var (bytes, known) in same)
            if (utf8.SequenceEqual(bytes)) return known;
        var text = Encoding.UTF8.GetString(utf8);
        same.Add((utf8.ToArray(), text));
        return text;
    }
}
