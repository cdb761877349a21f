package io.ryegrass.objects;

import java.io.StringReader;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/** The little XML that S3 needs: a writer without indentation and a reader without DTDs. */
final class S3Xml {
  private static final String NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private final StringBuilder text =
      new StringBuilder("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");

  private S3Xml() {}

  static S3Xml document(String root) {
    S3Xml xml = new S3Xml();
    xml.text.append('<').append(root).append(" xmlns=\"").append(NAMESPACE).append("\">");
    return xml;
  }

  /** Error documents have no namespace. */
  static String error(String code, String message, String resource, String requestId) {
    S3Xml xml = new S3Xml();
    return xml.open("Error")
        .element("Code", code)
        .element("Message", message)
        .element("Resource", resource)
        .element("RequestId", requestId)
        .end("Error");
  }

  S3Xml open(String name) {
    text.append('<').append(name).append('>');
    return this;
  }

  S3Xml close(String name) {
    text.append("</").append(name).append('>');
    return this;
  }

  S3Xml element(String name, String value) {
    open(name);
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      switch (c) {
        case '&' -> text.append("&amp;");
        case '<' -> text.append("&lt;");
        case '>' -> text.append("&gt;");
        case '"' -> text.append("&quot;");
        default -> {
          if (c < 0x20 && c != '\n' && c != '\t') {
            text.append("&#").append((int) c).append(';');
          } else {
            text.append(c);
          }
        }
      }
    }
    return close(name);
  }

  S3Xml element(String name, long value) {
    return element(name, Long.toString(value));
  }

  S3Xml element(String name, boolean value) {
    return element(name, Boolean.toString(value));
  }

  S3Xml element(String name, Instant value) {
    return element(name, TIME.format(value));
  }

  String end(String root) {
    return close(root).text.toString();
  }

  /**
   * All elements of one name with their simple children, for example the Parts of a
   * CompleteMultipartUpload.
   *
   * @throws S3Exception {@code MalformedXML}
   */
  static List<Map<String, String>> read(String xml, String element) {
    XMLInputFactory factory = XMLInputFactory.newFactory();
    factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
    factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
    List<Map<String, String>> result = new ArrayList<>();
    try {
      XMLStreamReader reader = factory.createXMLStreamReader(new StringReader(xml));
      while (reader.hasNext()) {
        if (reader.next() == XMLStreamConstants.START_ELEMENT
            && reader.getLocalName().equals(element)) {
          Map<String, String> children = new LinkedHashMap<>();
          while (reader.nextTag() == XMLStreamConstants.START_ELEMENT) {
            String name = reader.getLocalName();
            children.put(name, reader.getElementText());
          }
          result.add(children);
        }
      }
      reader.close();
      return result;
    } catch (XMLStreamException e) {
      throw new S3Exception(
          "MalformedXML",
          400,
          "The XML you provided was not well-formed or did not validate against our published schema",
          e);
    }
  }
}
