using System.Text;
using Sync.MessagePack;

namespace Sync.Tests.MessagePack;

/// <summary>What damage starts from: every vector of a message, good and bad, and where one is the other, its other codec's form.</summary>
internal static class Corpus
{
    public static IReadOnlyList<byte[]> Of(string message) => message switch
    {
        "envelope" or "peek" => All("envelopes.json"),
        "beat" => All("beats.json"),
        "json-envelope" => [.. Good("envelopes.json").Select(bytes => Samples.Bytes(
            to => JsonEnvelopeCodec.Default.Encode(EnvelopeCodec.Default.Decode(bytes).Value, to)))],
        "json-beat" => [.. Good("beats.json").Select(bytes => Samples.Bytes(
            to => JsonEnvelopeCodec.Default.Encode(BeatCodec.Decode(bytes).Value, to)))],
        "value" => [.. All("format.json").Where(bytes => bytes.Length < 2000), .. All("malformed.json")],
        "json" => [.. VectorFile.Vectors("json.json", "both").Select(vector => Encoding.UTF8.GetBytes(vector.Text("json")!))],
        _ => [.. VectorFile.Vectors("messages.json")
            .Where(vector => vector.Text("message") == message).Select(vector => vector.Bytes()).Where(bytes => bytes.Length < 2000)],
    };

    private static IReadOnlyList<byte[]> All(string file) => [.. VectorFile.Vectors(file).Select(vector => vector.Bytes())];

    private static IEnumerable<byte[]> Good(string file) =>
        VectorFile.Vectors(file).Where(vector => vector.Has("decoded")).Select(vector => vector.Bytes());
}
