using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sync.Cli;

/// <summary>What goes to standard output.</summary>
internal static class Output
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonWriterOptions Indented = Compact with { Indented = true };

    /// <summary>One JSON object on one line.</summary>
    public static void Json(Action<Utf8JsonWriter> members)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Compact))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        stream.WriteByte((byte)'\n');
        using var output = Console.OpenStandardOutput();
        output.Write(stream.GetBuffer(), 0, (int)stream.Length);
    }

    /// <summary>JSON from a writer on one line, numerals as they came.</summary>
    public static void JsonText(ReadOnlySpan<byte> text)
    {
        using var output = Console.OpenStandardOutput();
        output.Write(text);
        output.WriteByte((byte)'\n');
    }

    /// <summary>A line for people, on standard output.</summary>
    public static void Text(string line) => Console.WriteLine(line);

    /// <summary>What is not part of the answer, on standard error.</summary>
    public static void Note(string text) => Console.Error.Write(text);

    /// <summary>JSON for people; numerals as they came.</summary>
    public static string Pretty(JsonElement value)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Indented)) value.WriteTo(json);
        return System.Text.Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }
}
