using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Sync.HostileTests.Reference;

/// <summary>A second reading of JSON, by the documents of <c>System.Text.Json</c>.</summary>
internal static class NaiveJson
{
    /// <summary>Deepest nesting; a scalar has depth 0.</summary>
    public const int DepthMax = 64;

    /// <summary>The value; null when it is not JSON, or JSON that is not to be kept: a key twice, text that is not Unicode, a
    /// number that fits neither 64 bits nor a double.</summary>
    public static Node? Read(ReadOnlySpan<byte> json) => ReadLoosely(json, DepthMax) is { HasNoTwin: true, IsJson: true } node ? node : null;

    /// <summary>As <see cref="Read"/>; a key may come twice.</summary>
    public static Node? ReadLoosely(ReadOnlySpan<byte> json, int depthMax)
    {
        try
        {
            using var document = JsonDocument.Parse(json.ToArray(), new JsonDocumentOptions { MaxDepth = depthMax });
            return Of(document.RootElement);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static Node Of(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Null: return new Node { Kind = Kind.Nil };
            case JsonValueKind.True or JsonValueKind.False:
                return new Node { Kind = Kind.Boolean, Number = element.GetBoolean() ? 1 : 0 };
            case JsonValueKind.Number: return Number(element.GetRawText());
            case JsonValueKind.String: return Text(element);
            case JsonValueKind.Array:
                var list = new Node { Kind = Kind.List };
                foreach (var item in element.EnumerateArray()) list.Items.Add(Of(item));
                return list;
            default:
                var map = new Node { Kind = Kind.Map };
                foreach (var member in element.EnumerateObject())
                {
                    map.Items.Add(NameOf(member));
                    map.Items.Add(Of(member.Value));
                }
                return map;
        }
    }

    private static Node Text(string text) => new() { Kind = Kind.Text, Bytes = Encoding.UTF8.GetBytes(text) };

    // What nobody asks for is skipped, sound or not; what is asked for is compared as text and then differs.
    private static Node Text(JsonElement element)
    {
        try
        {
            return Text(element.GetString()!);
        }
        catch (InvalidOperationException)
        {
            return new Node { Kind = Kind.Binary };
        }
    }

    private static Node NameOf(JsonProperty member)
    {
        try
        {
            return Text(member.Name);
        }
        catch (InvalidOperationException)
        {
            return new Node { Kind = Kind.Binary };
        }
    }

    private static Node Number(string text)
    {
        if (!text.AsSpan().ContainsAny('.', 'e', 'E') && Int128.TryParse(text, CultureInfo.InvariantCulture, out var whole)
            && whole >= long.MinValue && whole <= ulong.MaxValue)
            return new Node { Kind = Kind.Integer, Number = whole };
        // What fits nothing is infinite, and not to be kept.
        return new Node { Kind = Kind.Float, Real = double.Parse(text, CultureInfo.InvariantCulture) };
    }
}
