using System.Buffers;
using System.Text.Json;
using Sync.Contracts;

namespace Sync.ChaosTests.Clients;

/// <summary>An append-only file of JSON lines. Each line is with the kernel when <see cref="Write"/> returns, so a
/// process that is killed loses none. Safe from any thread: one lock covers making and writing a line, so times never
/// go back in a file.</summary>
internal sealed class EventLog : IDisposable
{
    private static readonly JsonWriterOptions Plain = new() { SkipValidation = true };
    private readonly Lock _gate = new();
    private readonly ArrayBufferWriter<byte> _line = new(512);
    private readonly Utf8JsonWriter _json;
    private readonly FileStream _file;

    public EventLog(string path)
    {
        _file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        _json = new Utf8JsonWriter(_line, Plain);
    }

    /// <summary>Writes <c>{"t":…,"e":kind,…}</c>.</summary>
    public void Write(string kind, Action<Utf8JsonWriter> fields)
    {
        lock (_gate)
        {
            _line.ResetWrittenCount();
            _json.Reset();
            _json.WriteStartObject();
            _json.WriteNumber("t"u8, MachineClock.Now);
            _json.WriteString("e"u8, kind);
            fields(_json);
            _json.WriteEndObject();
            _json.Flush();
            _line.Write("\n"u8);
            _file.Write(_line.WrittenSpan);
        }
    }

    /// <summary>The first line of each life of a process: what came before it in the file was another one.</summary>
    public void Start() => Write("start", json => json.WriteNumber("pid"u8, Environment.ProcessId));

    public void Dispose()
    {
        _json.Dispose();
        _file.Dispose();
    }
}

/// <summary>Fields that lines of several kinds have.</summary>
internal static class EventFields
{
    public static void Key(this Utf8JsonWriter json, SyncedKey key)
    {
        json.WriteString("v"u8, key.Vault);
        json.WriteString("c"u8, key.Collection);
        json.WriteString("k"u8, key.Key);
    }

    /// <summary>The first 8 bytes of a SHA-256, as 16 digits: enough to tell the values of a run apart.</summary>
    public static void Hash(this Utf8JsonWriter json, ulong hash)
    {
        Span<byte> digits = stackalloc byte[16];
        hash.TryFormat(digits, out _, "x16");
        json.WriteString("h"u8, digits);
    }

    public static void Place(this Utf8JsonWriter json, int feed, long position, long history)
    {
        json.WriteNumber("feed"u8, feed);
        json.WriteNumber("pos"u8, position);
        json.WriteNumber("hist"u8, history);
    }
}
