using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sync.Cli.Import;

/// <summary>Bad lines as NDJSON: <c>{"line", "reason", "text"}</c>. The file appears with the first one; an older one of the same
/// name is replaced at the start, so that it never tells of an earlier run.</summary>
internal sealed class RejectsFile : IAsyncDisposable
{
    // A reject is read by people: quotes and letters stay as they are.
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private FileStream? _file;

    public RejectsFile(string path)
    {
        Path = path;
        File.Delete(path);
    }

    public string Path { get; }

    public async Task AddAsync(RejectedLine rejected)
    {
        _file ??= new FileStream(Path, FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 14, useAsync: true);
        using var line = new MemoryStream();
        await using (var json = new Utf8JsonWriter(line, Readable))
        {
            json.WriteStartObject();
            json.WriteNumber("line", rejected.Number);
            json.WriteString("reason", rejected.Reason);
            json.WriteString("text", Encoding.UTF8.GetString(rejected.Line));
            json.WriteEndObject();
        }
        line.WriteByte((byte)'\n');
        line.Position = 0;
        await line.CopyToAsync(_file);
        await _file.FlushAsync();
    }

    public ValueTask DisposeAsync() => _file?.DisposeAsync() ?? ValueTask.CompletedTask;
}
